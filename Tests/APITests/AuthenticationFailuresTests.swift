import HTTP
import Locks
import Logging
import Metrics
import TestSupport
import Testing

@testable import API

/// Who sends wrong tokens is slowed down, counted and logged, and nobody else is.
@Suite struct AuthenticationFailuresTests {
  private final class Seconds: Sendable {
    let current = Locked(1000.0)
  }

  private let seconds = Seconds()
  private let lines = LogLines()
  private let metrics: Metrics
  private let failures: AuthenticationFailures

  init() {
    let seconds = seconds
    metrics = Metrics { seconds.current.withLock { Int64($0 * 1e9) } }
    failures = AuthenticationFailures(metrics: metrics, log: lines.logger)
  }

  private func client(_ text: String) throws -> PeerAddress {
    try #require(PeerAddress(text))
  }

  /// Sends a wrong token.
  ///
  /// - Returns: the pause before the next one; 0 for an answer 401.
  private func fail(_ client: PeerAddress?, _ kind: Metrics.Credentials = .bearer) -> Int {
    let error = failures.note(kind, from: client, "wrong")
    #expect(error.status == (error.retryAfter == nil ? 401 : 429))
    return error.retryAfter ?? 0
  }

  private func pass(_ count: Double) {
    seconds.current.withLock { $0 += count }
  }

  @Test func tenAreAnsweredAndThenThePausesGrowToAMinute() throws {
    let client = try client("192.0.2.7")
    for _ in 0..<10 { #expect(fail(client) == 0) }
    let pauses = (0..<12).map { _ in fail(client) }
    #expect(pauses == [12, 18, 24, 30, 36, 42, 48, 54, 60, 60, 60, 60])
    #expect(fail(client) > 0)
    // Who waits for that time is answered, once.
    pass(60)
    #expect(fail(client) == 0)
    #expect(fail(client) > 0)
    // After some minutes all is as at first.
    pass(600)
    for _ in 0..<10 { #expect(fail(client) == 0) }
    #expect(fail(client) > 0)
  }

  @Test func aClientIsAnAddressOrANetworkOfOneCustomer() throws {
    for text in ["192.0.2.7", "2001:db8:1:2::1"] {
      let one = try client(text)
      for _ in 0..<20 { _ = fail(one) }
      #expect(fail(one) > 0)
    }
    #expect(try fail(client("2001:db8:1:2:ffff::9")) > 0)
    #expect(try fail(client("2001:db8:1:3::1")) == 0)
    #expect(try fail(client("192.0.2.8")) == 0)
    // The operator's own socket is not slowed down.
    for _ in 0..<20 { #expect(fail(nil) == 0) }
  }

  @Test func failuresAreCountedByWhatTheTokenCameIn() throws {
    let client = try client("192.0.2.7")
    for _ in 0..<30 { _ = fail(client, .signIn) }
    for _ in 0..<2 { _ = fail(nil, .bearer) }
    #expect(metrics.current.authenticationFailures == [.signIn: 30, .bearer: 2])
  }

  @Test func oneLineAMinuteHasTheCountAndNoWholeAddress() throws {
    let client = try client("192.0.2.7")
    for _ in 0..<500 { _ = fail(client, .signIn) }
    #expect(
      lines.all == ["warning authentication failed client=192.0.2.0 failures=1 kind=sign_in"])
    pass(60)
    _ = fail(client)
    #expect(
      lines.all.dropFirst() == [
        "warning authentication failed client=192.0.2.0 failures=500 kind=bearer"
      ])
    _ = try fail(self.client("2001:db8:1:2::1"))
    #expect(lines.all.last?.contains("client=2001:db8:1:: ") == true)
  }

  /// Neither memory nor the log grows with the number of clients.
  @Test func theOldestClientIsForgotten() throws {
    let first = try client("192.0.2.7")
    for _ in 0..<20 { _ = fail(first) }
    for number in 0..<4095 { _ = fail(PeerAddress(ipv4: 0x0a00_0000 + UInt32(number))) }
    #expect(fail(first) > 0)
    _ = fail(PeerAddress(ipv4: 0x0b00_0000))
    #expect(fail(first) == 0)
    #expect(lines.all.count == 60)
    // However many come, a line a second is left for them.
    for number in 0..<400 {
      pass(0.25)
      for more in 0..<3 { _ = fail(PeerAddress(ipv4: UInt32(0x0c00_0000 + number * 3 + more))) }
    }
    #expect((155...165).contains(lines.all.count))
  }
}
