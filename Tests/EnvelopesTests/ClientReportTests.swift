import Envelopes
import ReleaseHealth
import Testing

@Suite struct ClientReportTests {
  /// What a reader finds in a report; nil where it skips the item.
  private func dropped(_ payload: String, length: Bool = true) -> [DropReason: Int64]? {
    let header = length ? "{\"type\":\"client_report\",\"length\":\(payload.utf8.count)}" : nil
    let reading = Reading(
      "{}\n\(header ?? "{\"type\":\"client_report\"}")\n\(payload)\n{\"type\":\"event\"}\n{}")
    guard reading.types == [.clientReport, .event] else { return [.other: -1] }
    guard case .clientReport(let report) = reading.items[1] else { return nil }
    return report.dropped
  }

  private func entry(_ reason: String, _ quantity: String, category: String = "session") -> String {
    "{\"reason\":\"\(reason)\",\"category\":\"\(category)\",\"quantity\":\(quantity)}"
  }

  private func report(_ entries: String...) -> String {
    "{\"timestamp\":1.5,\"discarded_events\":[\(entries.joined(separator: ","))]}"
  }

  @Test func sessionsAreCountedByReason() {
    for reason in DropReason.allCases {
      #expect(dropped(report(entry(reason.rawValue, "3"))) == [reason: 3])
    }
    #expect(
      dropped(
        report(
          entry("send_error", "2"), entry("send_error", "5", category: "error"),
          entry("send_error", "4"), entry("newer", "1"), entry("newest", "1"),
          entry("queue_overflow", "9", category: "sessions")), length: false)
        == [.sendError: 6, .other: 2])
  }

  @Test func whatCannotBeReadCountsNothing() {
    #expect(dropped("{}") == [:] && dropped("{\"discarded_events\":null}") == [:])
    for quantity in ["0", "-3", "0.5", "\"4\"", "null", "true"] {
      #expect(dropped(report(entry("send_error", quantity), entry("other", "1"))) == [.other: 1])
    }
    #expect(
      dropped(report("7", "[]", "{}", "{\"category\":\"session\",\"quantity\":2}")) == [.other: 2])
    #expect(dropped("nonsense") == nil && dropped("[]") == [:] && dropped("{\"a\":") == nil)
  }

  /// Neither quantities nor reports without end take anything.
  @Test func limits() {
    let limit = EnvelopeLimits.droppedSessionsMax
    #expect(dropped(report(entry("send_error", "1e300"))) == [.sendError: limit])
    let twice = report(entry("send_error", "900000"), entry("send_error", "900000"))
    #expect(dropped(twice) == [.sendError: limit])
    let padding = String(repeating: " ", count: EnvelopeLimits.clientReportBytesMax - 2)
    for length in [true, false] {
      #expect(dropped("{\(padding)}", length: length) == [:])
      #expect(dropped("{ \(padding)}", length: length) == nil)
    }
  }
}
