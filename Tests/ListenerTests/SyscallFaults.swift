import Listener
import Locks

/// Injects faults into system calls: failures, and short reads and writes.
final class SyscallFaults: Sendable {
  private struct Plan {
    var operation: Syscalls.Operation
    var calls: Range<Int>
    var fault: Syscalls.Fault
  }

  private struct State {
    var plans: [Plan] = []
    var made: [Syscalls.Operation: Int] = [:]
  }

  private let state = Locked(State())

  init() {}

  /// Plans a fault.
  ///
  /// - Parameter calls: the calls of the operation that fail, counted from now and from 0.
  func plan(_ fault: Syscalls.Fault, _ operation: Syscalls.Operation, calls: Range<Int>) {
    state.withLock { state in
      let made = state.made[operation, default: 0]
      state.plans.append(
        Plan(
          operation: operation,
          calls: made + calls.lowerBound..<made.addingClamped(calls.upperBound), fault: fault))
    }
  }

  /// Removes all planned faults.
  func clear() {
    state.withLock { $0.plans = [] }
  }

  /// The number of calls of the operation so far, including failed ones.
  func count(_ operation: Syscalls.Operation) -> Int {
    state.withLock { $0.made[operation, default: 0] }
  }

  func next(_ operation: Syscalls.Operation) -> Syscalls.Fault? {
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
