import Locks

/// Injects faults into system calls: failures, and short reads and writes.
package final class SyscallFaults: Sendable {
  /// The effect of a fault.
  package enum Fault: Sendable {
    /// The call fails with this errno.
    case error(Int32)
    /// The call transfers at most this many bytes.
    case short(Int)
  }

  private struct Plan {
    var operation: Syscalls.Operation
    var calls: Range<Int>
    var fault: Fault
  }

  private struct State {
    var plans: [Plan] = []
    var made: [Syscalls.Operation: Int] = [:]
  }

  private let state = Locked(State())

  package init() {}

  /// Plans a fault.
  ///
  /// - Parameter calls: the calls of the operation that fail, counted from now and from 0.
  package func plan(_ fault: Fault, _ operation: Syscalls.Operation, calls: Range<Int>) {
    state.withLock { state in
      let made = state.made[operation, default: 0]
      state.plans.append(
        Plan(
          operation: operation,
          calls: made + calls.lowerBound..<made.addingClamped(calls.upperBound), fault: fault))
    }
  }

  /// Removes all planned faults.
  package func clear() {
    state.withLock { $0.plans = [] }
  }

  /// The number of calls of the operation so far, including failed ones.
  package func count(_ operation: Syscalls.Operation) -> Int {
    state.withLock { $0.made[operation, default: 0] }
  }

  func next(_ operation: Syscalls.Operation) -> Fault? {
    state.withLock { state in
      let call = state.made[operation, default: 0]
      state.made[operation] = call + 1
      return state.plans.first { $0.operation == operation && $0.calls.contains(call) }?.fault
    }
  }
}

extension Int {
  fileprivate func addingClamped(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
