import Locks

/// Makes chosen calls of the system fail, or move fewer bytes than asked.
package final class SyscallFaults: Sendable {
  /// What happens instead of the call.
  package enum Fault: Sendable {
    /// The call fails with that errno.
    case error(Int32)
    /// The call is made, with at most that many bytes.
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
  /// - Parameter calls: of the calls of that operation, counted from now and from zero.
  package func plan(_ fault: Fault, _ operation: Syscalls.Operation, calls: Range<Int>) {
    state.withLock { state in
      let made = state.made[operation, default: 0]
      state.plans.append(
        Plan(
          operation: operation,
          calls: made + calls.lowerBound..<made.addingClamped(calls.upperBound), fault: fault))
    }
  }

  /// Ends all plans.
  package func clear() {
    state.withLock { $0.plans = [] }
  }

  /// How many calls of that operation were made or made to fail.
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
