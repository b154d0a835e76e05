import Glibc
import Logging
import Locks

/// A request to stop the service, which takes effect once.
final class StopSignal: Sendable {
  private struct State {
    var isRequested = false
    var action: (@Sendable () -> Void)?
  }

  private let state = Locked(State())

  /// Sets the action that stops the service. It is called once, on another thread, and must not
  /// block. It is called at once if a signal came before.
  func onRequest(_ action: @escaping @Sendable () -> Void) {
    let isLate = state.withLock { state in
      if !state.isRequested { state.action = action }
      return state.isRequested
    }
    if isLate { action() }
  }

  fileprivate func request() {
    let action = state.withLock { state in
      state.isRequested = true
      return state.action.take()
    }
    action?()
  }
}

enum Signals {
  /// The time after a signal in which another one counts as the same, in microseconds.
  private static let echoMicroseconds: UInt32 = 200_000
  /// The time limit of a shutdown, in seconds.
  private static let drainSecondsMax = 10

  /// Ignores SIGXFSZ: writes past the limit of `ulimit -f` then fail as on a full disk, instead of
  /// ending the process.
  static func ignoreFileSizeLimit() {
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Turns SIGTERM and SIGINT into `stop`. Must be called before another thread starts: threads
  /// inherit the blocked signals, so that only the waiting thread receives them.
  static func watch(_ stop: StopSignal, _ logger: Logger) throws(SystemError) {
    signal(SIGHUP, SIG_IGN)
    signal(SIGPIPE, SIG_IGN)
    var signals = endSignals()
    unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    _ = try ServiceThread { wait(for: stop, logger) }
  }

  private static func endSignals() -> sigset_t {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGTERM)
    unsafe sigaddset(&signals, SIGINT)
    return signals
  }

  private static func wait(for stop: StopSignal, _ logger: Logger) {
    var signals = endSignals()
    var number: Int32 = 0
    unsafe sigwait(&signals, &number)
    logger.info("shutdown started", metadata: ["signal": number == SIGTERM ? "SIGTERM" : "SIGINT"])
    stop.request()
    // timeout(1) and shells signal the process and then its group: that is one request.
    usleep(echoMicroseconds)
    var noTime = timespec()
    while unsafe sigtimedwait(&signals, nil, &noTime) >= 0 {}
    var limit = timespec(tv_sec: drainSecondsMax, tv_nsec: 0)
    // Everything that was answered is on disk, so that an immediate exit loses nothing.
    if unsafe sigtimedwait(&signals, nil, &limit) >= 0 {
      logger.warning("shutdown incomplete, second signal")
    } else {
      logger.error(
        "shutdown incomplete, drain timed out", metadata: ["seconds": "\(drainSecondsMax)"])
    }
    _exit(1)
  }
}
