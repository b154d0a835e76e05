import Envelopes
import ReleaseHealth
import Testing

/// The reader returns what the writer wrote.
@Suite struct EnvelopeWriterTests {
  private static let start = Timestamp(milliseconds: 1_772_361_000_123)

  private func items(_ writer: EnvelopeWriter) throws -> [EnvelopeItem] {
    var reader = EnvelopeReader()
    var items: [EnvelopeItem] = []
    var index = 0
    while let item = try reader.next(writer.bytes.span, &index) { items.append(item) }
    if let last = try reader.finish() { items.append(last) }
    return items
  }

  @Test func sessions() throws {
    var update = SessionUpdate(started: Self.start, release: "a \"quoted\\\" é@1\u{1}")
    update.sessionID = SessionID(value: 0x0123_4567_89ab_cdef_0000_0000_0000_0001)
    update.distinctID = "user \"1\""
    update.isInitial = true
    update.timestamp = Self.start.advanced(byMilliseconds: 2500)
    update.durationMilliseconds = 2500
    update.status = .abnormal
    update.errors = 3
    update.mechanism = .foreground
    update.environment = "production"
    let bare = SessionUpdate(started: Self.start, release: "shop@2")
    var writer = EnvelopeWriter(sentAt: Self.start, sdk: "sentry.test")
    writer.add(update)
    writer.add(bare)
    #expect(writer.itemCount == 2)
    let read = try items(writer)
    guard case .header(let header) = read[0], case .session(.success(let first)) = read[1],
      case .session(.success(let second)) = read[2]
    else {
      Issue.record("\(read)")
      return
    }
    #expect(header.sentAt == Self.start)
    #expect(first == update)
    #expect(second == bare)
  }

  @Test func aggregates() throws {
    let aggregates = SessionAggregates(
      release: "api@1", environment: nil,
      buckets: [
        SessionAggregate(
          started: Self.start, distinctID: "x", counts: SessionCounts(healthy: 5, crashed: 1)),
        SessionAggregate(
          started: Self.start, counts: SessionCounts(errored: 2, abnormal: 3)),
      ])
    var writer = EnvelopeWriter(sentAt: Self.start, sdk: "sentry.test")
    writer.add(aggregates)
    guard case .sessions(.success(let read)) = try items(writer)[1] else {
      Issue.record("no aggregates")
      return
    }
    #expect(read == aggregates)
  }
}
