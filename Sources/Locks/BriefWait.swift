internal import Dispatch

/// Waits for work of another thread, but not for long.
package enum BriefWait {
  /// Starts work, and waits until it has ended or the time is over; it then goes on alone.
  ///
  /// - Parameter startThread: runs work on another thread; false if it cannot.
  /// - Returns: whether the work has ended.
  package static func run(
    milliseconds: Int, _ startThread: (@escaping @Sendable () -> Void) -> Bool,
    _ work: @escaping @Sendable () -> Void
  ) -> Bool {
    let ended = DispatchSemaphore(value: 0)
    let isStarted = startThread {
      work()
      ended.signal()
    }
    return isStarted && ended.wait(timeout: .now() + .milliseconds(milliseconds)) == .success
  }
}
