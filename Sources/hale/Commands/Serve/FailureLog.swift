import Locks
import Logging

/// Logs batches that were not stored: the first time, every ten seconds, and when one is stored
/// again. A full disk fails a thousand times a second.
final class FailureLog: Sendable {
  private struct State {
    var reason: String?
    var envelopes = 0
    var next: Int64 = 0
  }

  private let logger: Logger
  private let state = Locked(State())

  init(_ logger: Logger) {
    self.logger = logger
  }

  /// - Parameter reason: nil when the batch was stored.
  func note(_ reason: String?, envelopes: Int) {
    state.withLock { state in
      guard let reason else {
        if state.reason != nil { logger.notice("batch writes recovered") }
        state = State()
        return
      }
      state.envelopes += envelopes
      let now = SystemClock.monotonicMilliseconds()
      if reason == state.reason, now < state.next { return }
      logger.error(
        "batch write failed", metadata: ["envelopes": "\(state.envelopes)", "reason": "\(reason)"])
      state = State(reason: reason, envelopes: 0, next: now + 10_000)
    }
  }
}
