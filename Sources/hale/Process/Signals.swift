import Glibc
import Logging
import Locks

/// Asks the service to stop, once.
final class StopSignal: Sendable {
  private struct State {
    var isRequested = false
    var action: (@Sendable () -> Void)?
  }

  private let state = Locked(State())

  /// Names what stops the service. It is called once, on another thread, and must not block; it is
  /// called at once where a signal came before.
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
  /// How long after a signal another one is taken for its echo.
  private static let echoMicroseconds: UInt32 = 200_000
  /// How long the service may take to stop.
  private static let drainSecondsMax = 10

  /// Lets writes past the limit of `ulimit -f` fail as those to a full disk do, instead of ending
  /// the process.
  static func ignoreFileSizeLimit() {
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Turns SIGTERM and SIGINT into `stop`. To be called before any other thread is there: the
  /// threads inherit that these signals are blocked, so that only the waiting one gets them.
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
    logger.info("draining", metadata: ["signal": "\(name(of: number))"])
    stop.request()
    // timeout(1) and shells signal the process and then its whole group: that is one wish to stop.
    usleep(echoMicroseconds)
    var noTime = timespec()
    while unsafe sigtimedwait(&signals, nil, &noTime) >= 0 {}
    var limit = timespec(tv_sec: drainSecondsMax, tv_nsec: 0)
    // What was answered is on disk, so that leaving at once loses nothing.
    if unsafe sigtimedwait(&signals, nil, &limit) >= 0 {
      logger.warning("stopped by a second signal")
    } else {
      logger.error(
        "stopped because draining took too long", metadata: ["seconds": "\(drainSecondsMax)"])
    }
    _exit(1)
  }

  private static func name(of number: Int32) -> String {
    number == SIGTERM ? "SIGTERM" : "SIGINT"
  }
}
