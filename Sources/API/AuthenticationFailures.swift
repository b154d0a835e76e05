internal import Locks
package import HTTP
package import Logging
package import Metrics

/// Counts and logs wrong tokens, and slows down who sends them.
///
/// A client may send ten wrong ones at once, and one more every six seconds. Beyond that it has to
/// wait, for up to a minute. A right token is always let in: a client shares its address with
/// others behind the same proxy or router.
package final class AuthenticationFailures: Sendable {
  /// The failures of a client.
  fileprivate struct Client {
    var attempts = Allowance(burst: 10, secondsEach: 6, debtMax: 9)
    /// The failures since the last line in the log, and the time before which there is no other.
    var unlogged = 0
    var nextLine = -Double.infinity
  }

  fileprivate struct State {
    var clients: [PeerAddress: Client] = [:]
    /// The clients in the order in which they came; when all places are taken, the oldest goes.
    var order: [PeerAddress] = []
    var oldest = 0
    var lines = Allowance(burst: 60, secondsEach: 1, debtMax: 0)
  }

  fileprivate static let clientsMax = 4096
  /// The time between two lines about a client.
  fileprivate static let lineSeconds = 60.0

  private let state = Locked(State())
  private let metrics: Metrics
  private let log: Logger

  /// - Parameter metrics: also has the clock.
  package init(metrics: Metrics, log: Logger) {
    self.metrics = metrics
    self.log = log
  }

  /// Notes a wrong token.
  ///
  /// - Parameter client: nil over the control socket, which is never slowed down.
  /// - Returns: the answer: 401, or 429 where the client has to wait.
  package func note(
    _ kind: Metrics.Credentials, from client: PeerAddress?, _ detail: String
  ) -> APIError {
    metrics.countFailure(of: kind)
    let unauthorized = APIError(status: 401, detail: detail)
    guard let client else { return unauthorized }
    let now = metrics.seconds
    let (pause, failures) = state.withLock { $0.note(client.customer, at: now) }
    if failures > 0 {
      log.warning(
        "authentication failed",
        metadata: [
          "client": "\(client.truncated)", "kind": "\(kind.rawValue)", "failures": "\(failures)",
        ])
    }
    guard pause > 0 else { return unauthorized }
    var refusal = APIError(
      status: 429, detail: "Too many wrong tokens from this address: try again in \(pause) s.")
    refusal.retryAfter = pause
    return refusal
  }
}

extension AuthenticationFailures.State {
  /// - Returns: the seconds that the client has to wait, and the failures to log, if it is time.
  fileprivate mutating func note(
    _ address: PeerAddress, at now: Double
  ) -> (pause: Int, failures: Int) {
    var client = clients[address] ?? AuthenticationFailures.Client()
    if clients[address] == nil { makeRoom(for: address) }
    let pause = client.attempts.take(at: now)
    client.unlogged += 1
    var failures = 0
    if now >= client.nextLine, lines.take(at: now) == 0 {
      failures = client.unlogged
      client.unlogged = 0
      client.nextLine = now + AuthenticationFailures.lineSeconds
    }
    clients[address] = client
    return (pause, failures)
  }

  private mutating func makeRoom(for address: PeerAddress) {
    if order.count < AuthenticationFailures.clientsMax {
      order.append(address)
    } else {
      clients[order[oldest]] = nil
      order[oldest] = address
      oldest = (oldest + 1) % order.count
    }
  }
}

/// An allowance that comes back with time (a token bucket). Who goes on without one gets into debt.
private struct Allowance: Sendable {
  let burst: Double
  /// The time in which one comes back.
  let secondsEach: Double
  let debtMax: Double
  private var left: Double
  private var time = -Double.infinity

  init(burst: Double, secondsEach: Double, debtMax: Double) {
    (self.burst, self.secondsEach, self.debtMax) = (burst, secondsEach, debtMax)
    left = burst
  }

  /// Takes one.
  ///
  /// - Returns: 0; or the seconds after which there is one again, if there is none.
  mutating func take(at now: Double) -> Int {
    left = min(burst, left + (now - time) / secondsEach)
    time = now
    if left >= 1 {
      left -= 1
      return 0
    }
    if left - 1 >= -debtMax { left -= 1 }
    return Int(((1 - left) * secondsEach).rounded(.up))
  }
}
