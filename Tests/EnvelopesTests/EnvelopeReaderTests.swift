import Bytes
@testable import Envelopes
import ReleaseHealth
import TestSupport
import Testing

@Suite struct EnvelopeReaderTests {
  static let session =
    #"{"started":"2026-03-01T10:00:00Z","attrs":{"release":"a@1"}}"#
  static let update = SessionUpdate(
    started: Timestamp(seconds: 1_772_359_200), release: "a@1")

  // MARK: Samples

  @Test func readsWhatSDKsSend() throws {
    let browser = Reading(Samples.browser)
    var update = SessionUpdate(
      started: Timestamp(milliseconds: 1_795_403_524_707), release: "browser.healthy@1.0.0")
    update.sessionID = SessionID(value: 0xab42_3ed1_39b9_471f_97f9_acbe_3e61_48a7)
    update.isInitial = true
    update.timestamp = Timestamp(milliseconds: 1_795_403_524_707)
    update.environment = "staging"
    #expect(
      browser.items == [
        .header(EnvelopeHeader(sentAt: Timestamp(milliseconds: 1_795_403_524_719))),
        .session(.success(update)),
      ])
    #expect(browser.error == nil && !browser.hasEventItem)

    let crash = Reading(Samples.nativeCrash)
    #expect(crash.types == [.event, .attachment, .session])
    #expect(crash.error == nil && crash.hasEventItem)
    #expect(
      crash.items[0]
        == .header(
          EnvelopeHeader(
            eventID: "99e5648160bb443f87b8e54bb6a52fa4",
            dsn: DSN(
              publicKey: "0123456789abcdef0123456789abcdef", projectID: ProjectID(rawValue: 42)))))
    guard case .session(.success(let crashed)) = crash.items[3] else {
      Issue.record("no session")
      return
    }
    #expect(crashed.status == .crashed && crashed.errors == 1 && crashed.distinctID == nil)
    #expect(crashed.durationMilliseconds == 1031)

    #expect(Reading(Samples.java).types == [.session])
    #expect(Reading(Samples.native).types == [.session])
    #expect(Reading(Samples.python).types == [.session, .sessions, .clientReport])
    #expect(Reading(Samples.rust).types == [.session, .sessions])
    for sample in Samples.all {
      let reading = Reading(sample)
      #expect(reading.error == nil)
      for item in reading.items {
        switch item {
        case .session(.failure(let reason)), .sessions(.failure(let reason)):
          Issue.record("\(reason)")
        default: break
        }
      }
    }
  }

  @Test(arguments: Samples.all) func slicesMakeNoDifference(_ sample: [UInt8]) {
    let whole = Reading(sample)
    #expect(Reading(sample, cuts: Array(1..<sample.count)) == whole)
    for cut in 0...sample.count {
      #expect(Reading(sample, cuts: [cut]) == whole)
    }
  }

  @Test(arguments: Samples.all) func anyTruncationIsReadTheSameHoweverSliced(_ sample: [UInt8]) {
    for length in 0..<sample.count {
      let part = Array(sample[..<length])
      let whole = Reading(part)
      #expect(Reading(part, cuts: [length / 3, length / 2]) == whole)
      // Byte by byte takes quadratic time, so only some lengths are tried.
      if length % 16 == 0 { #expect(Reading(part, cuts: Array(0..<length)) == whole) }
    }
  }

  @Test func stopsAfterAnyItemAndGoesOn() throws {
    let bytes = Array(Samples.python.utf8)
    var reader = EnvelopeReader()
    var index = 0
    guard case .header = try reader.next(bytes.span, &index) else {
      Issue.record("no header")
      return
    }
    // The item ends right behind the header's last bracket, without waiting for more bytes.
    #expect(index == 2)
    var rest = bytes[index...]
    var items = 0
    while true {
      let slice = Array(rest)
      var index = 0
      guard try reader.next(slice.span, &index) != nil else { break }
      items += 1
      rest = rest.dropFirst(index)
    }
    #expect(items == 3)
    #expect(try reader.finish() == nil)
    #expect(reader.itemCount == 3)
  }

  // MARK: Frames, from Relay's tests and more

  @Test(
    arguments: [
      // A header without a newline, and one with nothing after it.
      (#"{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}"#, 0),
      ("{}\n", 0),
      ("{}", 0),
      // Two empty attachments, with and without the last newline.
      (
        "{}\n{\"type\":\"attachment\",\"length\":0}\n\n{\"type\":\"attachment\",\"length\":0}\n\n",
        2
      ),
      ("{}\n{\"type\":\"attachment\",\"length\":0}\n\n{\"type\":\"attachment\",\"length\":0}\n", 2),
      ("{}\n{\"type\":\"attachment\",\"length\":0}\n\n{\"type\":\"attachment\",\"length\":0}", 2),
      // Without a length: up to the newline, to the end, and right at the end of the header.
      ("{}\n{\"type\":\"attachment\"}\nhelloworld\n", 1),
      ("{}\n{\"type\":\"attachment\"}\nhelloworld", 1),
      ("{}\n{\"type\":\"attachment\"}\n", 1),
      ("{}\n{\"type\":\"attachment\"}", 1),
      // Byte order mark and CRLF belong to the payload.
      (
        "{}\n{\"type\":\"attachment\",\"length\":10}\n\u{feff}Hello\r\n\n{\"type\":\"attachment\"}\nx\r\n",
        2
      ),
      // No lines at all between header and length.
      ("{}\n{\"type\":\"attachment\",\"length\":3}\n\n\n\n\n", 1),
      ("{}\n{\"length\":2,\"type\":\"attachment\"}\nab", 1),
      // White space before values, as a streaming JSON parser passes over it.
      (" \n\t{}\n", 0),
      ("{}\n\n\n  {\"type\":\"attachment\",\"length\":0}\n\n\n{\"type\":\"attachment\"}\n", 2),
      ("{\n \"sdk\": {\"a\": [1, {}]}\n}\n{\n\"type\":\n\"attachment\"\n}\nx\n", 1),
      // Beyond Relay: spaces and CRLF after headers and payloads, blank lines at the end.
      (
        "{}\r\n{\"type\":\"attachment\",\"length\":2}\r\nab\r\n{\"type\":\"attachment\"}  \nx\r\n",
        2
      ),
      ("{} \t\r\n", 0),
      ("{}\r", 0),
      ("{}\n{\"type\":\"attachment\",\"length\":2}\nab\r", 1),
      ("{}\n{\"type\":\"attachment\",\"length\":2}\nab\n\n \r\n\t\n", 1),
      ("{}\n\n\n", 0),
    ] as [(String, Int)])
  func acceptsFrame(_ text: String, _ count: Int) {
    let reading = Reading(text)
    #expect(reading.error == nil)
    #expect(reading.types == Array(repeating: .attachment, count: count))
    let bytes = Array(text.utf8)
    #expect(Reading(bytes, cuts: Array(0..<bytes.count)) == reading)
  }

  @Test(
    arguments: [
      ("", .missingHeader),
      (" \r\n", .missingHeader),
      ("x", .invalidEnvelopeHeader(.malformed)),
      ("[]", .invalidEnvelopeHeader(.malformed)),
      ("\"{}\"", .invalidEnvelopeHeader(.malformed)),
      ("\u{feff}{}", .invalidEnvelopeHeader(.malformed)),
      ("{]\n", .invalidEnvelopeHeader(.malformed)),
      ("{\"a\":01}\n", .invalidEnvelopeHeader(.malformed)),
      ("{\"a\":1,}\n", .invalidEnvelopeHeader(.malformed)),
      ("{\"a\":\"}", .invalidEnvelopeHeader(.truncated)),
      ("{", .invalidEnvelopeHeader(.truncated)),
      ("{}x", .missingNewline),
      ("{}{}", .missingNewline),
      ("{}\nx\n", .invalidItemHeader(.malformed)),
      ("{}\n{}\n", .invalidItemHeader(.missing(.type))),
      ("{}\n{\"type\":null}\n", .invalidItemHeader(.missing(.type))),
      ("{}\n{\"type\":1}\n", .invalidItemHeader(.invalid(.type))),
      ("{}\n[\"type\"]\n", .invalidItemHeader(.malformed)),
      ("{}\n{\"type\":\"a\",\"type\":\"b\"}\n", .invalidItemHeader(.duplicate(.type))),
      (
        "{}\n{\"type\":\"a\",\"length\":1,\"length\":1}\nx", .invalidItemHeader(.duplicate(.length))
      ),
      ("{}\n{\"type\":\"a\",\"length\":-1}\nx", .invalidItemHeader(.invalid(.length))),
      ("{}\n{\"type\":\"a\",\"length\":1.0}\nx", .invalidItemHeader(.invalid(.length))),
      ("{}\n{\"type\":\"a\",\"length\":1e0}\nx", .invalidItemHeader(.invalid(.length))),
      ("{}\n{\"type\":\"a\",\"length\":\"1\"}\nx", .invalidItemHeader(.invalid(.length))),
      ("{}\n{\"type\":\"a\",\"length\":true}\nx", .invalidItemHeader(.invalid(.length))),
      ("{}\n{\"type\":\"a\",\"length\":4294967296}\nx", .invalidItemHeader(.invalid(.length))),
      (
        "{}\n{\"type\":\"a\",\"length\":99999999999999999999}\nx",
        .invalidItemHeader(.invalid(.length))
      ),
      ("{}\n{\"type\":\"a\",\"length\":4294967295}\nx", .unexpectedEnd),
      ("{}\n{\"type\":\"a\"", .invalidItemHeader(.truncated)),
      ("{}\n{\"type\":\"a\"}x\n", .missingNewline),
      ("{}\n{\"type\":\"a\",\"length\":2}\na", .unexpectedEnd),
      ("{}\n{\"type\":\"a\",\"length\":2}\n", .unexpectedEnd),
      ("{}\n{\"type\":\"a\",\"length\":2}", .unexpectedEnd),
      ("{}\n{\"type\":\"a\",\"length\":2}\nabc", .missingNewline),
      ("{}\n{\"type\":\"a\",\"length\":2}\nab \n", .missingNewline),
      ("{}\n{\"type\":\"a\",\"length\":2}\nab\r\r\n", .missingNewline),
      ("{}\n{\"type\":\"a\",\"length\":0}\n{\"type\":\"a\"}\n", .missingNewline),
      // A valid item before the broken frame does not count.
      ("{}\n{\"type\":\"session\"}\n" + session + "\nx", .invalidItemHeader(.malformed)),
    ] as [(String, EnvelopeError)])
  func refusesFrame(_ text: String, _ error: EnvelopeError) {
    let reading = Reading(text)
    #expect(reading.error == error)
    let bytes = Array(text.utf8)
    #expect(Reading(bytes, cuts: Array(0..<bytes.count)) == reading)
  }

  @Test func takesSessionsInBothForms() {
    let count = Self.session.utf8.count
    let text = """
      {}
      {"type":"session"}
      \(Self.session)\r
      {"type":"session","length":\(count)}
      \(Self.session)
      {"type":"session","length":null}
      \(Self.session)
      {"type":"later","length":4}
      {
      }

      {"ty\\u0070e":"\\u0073ession"}
      \(Self.session)
      {"type":"session"}
      {broken
      {"type":"session"}

      {"type":"sessions"}
      {"attrs":{"release":"a@1"},"aggregates":[]}
      """
    let reading = Reading(text)
    #expect(reading.error == nil)
    #expect(
      reading.items.dropFirst() == [
        .session(.success(Self.update)), .session(.success(Self.update)),
        .session(.success(Self.update)), .skipped(.unknown), .session(.success(Self.update)),
        .session(.failure(.invalidPayload)), .session(.failure(.invalidPayload)),
        .sessions(.success(SessionAggregates(release: "a@1", environment: nil, buckets: []))),
      ])
  }

  @Test func aSessionEndsWithTheEnvelopeToo() {
    for header in ["{\"type\":\"session\"}", "{\"type\":\"session\",\"length\":0}"] {
      #expect(Reading("{}\n" + header).items.last == .session(.failure(.invalidPayload)))
      #expect(Reading("{}\n" + header + "\n").items.last == .session(.failure(.invalidPayload)))
    }
    #expect(
      Reading("{}\n{\"type\":\"session\"}\n" + Self.session).items.last
        == .session(.success(Self.update)))
  }

  @Test func aReaderThatFailedStaysSo() throws {
    var reader = EnvelopeReader()
    var index = 0
    let bad = Array("{}x".utf8)
    _ = try reader.next(bad.span, &index)
    let good = Array("\n".utf8)
    #expect(throws: EnvelopeError.missingNewline) { _ = try reader.next(bad.span, &index) }
    index = 0
    #expect(throws: EnvelopeError.missingNewline) { _ = try reader.next(good.span, &index) }
    #expect(throws: EnvelopeError.missingNewline) { _ = try reader.finish() }
  }

  // MARK: Limits

  @Test func countsItems() {
    let item = "{\"type\":\"later\",\"length\":0}\n\n"
    let atLimit = "{}\n" + String(repeating: item, count: EnvelopeLimits.itemsMax)
    #expect(Reading(atLimit).error == nil)
    #expect(Reading(atLimit).items.count == EnvelopeLimits.itemsMax + 1)
    let error = Reading(atLimit + item).error
    #expect(error == .tooManyItems)
    #expect(error?.status == 413)
    #expect(error?.detail == "envelope exceeded size limits (more than 500 items)")
    #expect(error?.causes == [])
  }

  @Test func countsSessionItemsOfBothKinds() {
    let pair = "{\"type\":\"session\"}\n\n{\"type\":\"sessions\"}\n\n"
    let atLimit = "{}\n" + String(repeating: pair, count: EnvelopeLimits.sessionItemsMax / 2)
    #expect(Reading(atLimit).error == nil)
    #expect(Reading(atLimit + "{\"type\":\"later\"}").error == nil)
    for type in ["session", "sessions"] {
      let error = Reading(atLimit + "{\"type\":\"\(type)\"}").error
      #expect(error == .tooManySessionItems)
      #expect(error?.status == 413)
      #expect(
        error?.detail == "envelope exceeded size limits for type 'session' (more than 100 items)")
    }
  }

  @Test(arguments: [true, false]) func limitsHeaders(_ isItem: Bool) throws {
    let frame = isItem ? #"{"type":"later","a":""}"# : #"{"a":""}"#
    let room = EnvelopeLimits.headerBytesMax - frame.utf8.count
    for (length, isFine) in [(room, true), (room + 1, false)] {
      let header = frame.dropLast(2) + String(repeating: "x", count: length) + "\"}"
      let bytes = Array(((isItem ? "{}\n" : "") + header + "\n").utf8)
      let error: EnvelopeError? =
        isFine ? nil : isItem ? .invalidItemHeader(.tooLong) : .invalidEnvelopeHeader(.tooLong)
      #expect(Reading(bytes).error == error)
      #expect(
        Reading(bytes, cuts: Array(stride(from: 0, to: bytes.count, by: 1000))).error == error)
    }
    var reader = EnvelopeReader()
    let start = Array("{\"a\":\"".utf8)
    var index = 0
    #expect(try reader.next(start.span, &index) == nil)
    let more = [UInt8](repeating: 0x78, count: EnvelopeLimits.headerBytesMax - start.count)
    index = 0
    #expect(try reader.next(more.span, &index) == nil)
    #expect(throws: EnvelopeError.invalidEnvelopeHeader(.tooLong)) {
      var index = 0
      _ = try reader.next(more.span.extracting(..<1), &index)
    }
  }

  /// White space before the header cannot delay the rejection of an unauthenticated request.
  @Test func limitsWhatComesBeforeTheHeader() throws {
    let blanks = [UInt8](repeating: 0x20, count: EnvelopeLimits.headerBytesMax)
    #expect(Reading(blanks + Array("{}\n".utf8)).error == nil)
    var reader = EnvelopeReader()
    var index = 0
    #expect(try reader.next(blanks.span, &index) == nil)
    #expect(throws: EnvelopeError.invalidEnvelopeHeader(.tooLong)) {
      var index = 0
      _ = try reader.next(blanks.span.extracting(..<1), &index)
    }
  }

  @Test(arguments: [true, false]) func limitsSessionPayloads(_ hasLength: Bool) {
    let room = EnvelopeLimits.sessionPayloadBytesMax - Self.session.utf8.count
    for (padding, result) in [
      (room, .success(Self.update)), (room + 1, .failure(.tooLarge)),
      (3 * room, .failure(.tooLarge)),
    ] as [(Int, Result<SessionUpdate, RejectionReason>)] {
      let payload = Self.session + String(repeating: " ", count: padding)
      let length = hasLength ? ",\"length\":\(payload.utf8.count)" : ""
      let text =
        "{}\n{\"type\":\"session\"\(length)}\n\(payload)\n{\"type\":\"session\"}\n\(Self.session)"
      let bytes = Array(text.utf8)
      for step in [bytes.count, 100_000, 65_536] {
        let reading = Reading(bytes, cuts: Array(stride(from: step, to: bytes.count, by: step)))
        #expect(reading.error == nil)
        #expect(reading.items.dropFirst() == [.session(result), .session(.success(Self.update))])
      }
    }
  }

  @Test func walksPastLargeItemsAndLimitsTheWhole() throws {
    var reader = EnvelopeReader()
    var index = 0
    let start = Array(
      "{}\n{\"type\":\"event\",\"length\":\(EnvelopeLimits.envelopeBytesMax)}\n".utf8)
    _ = try reader.next(start.span, &index)
    #expect(try reader.next(start.span, &index) == nil)
    let slice = [UInt8](repeating: 0x0a, count: 1 << 20)
    var left = EnvelopeLimits.envelopeBytesMax - start.count
    while left > 0 {
      index = 0
      let size = min(left, slice.count)
      #expect(try reader.next(slice.span.extracting(..<size), &index) == nil)
      left -= size
    }
    #expect(throws: EnvelopeError.tooLong) {
      var index = 0
      _ = try reader.next(slice.span.extracting(..<1), &index)
    }
    #expect(EnvelopeError.tooLong.status == 413)
    #expect(EnvelopeError.tooLong.detail == "envelope exceeded size limits (more than 200 MiB)")
  }

  // MARK: Sentences

  @Test func sayWhatRelaySays() {
    let causes: [(EnvelopeError, [String])] = [
      (.unexpectedEnd, ["unexpected end of file"]),
      (.missingHeader, ["missing envelope header"]),
      (.missingNewline, ["missing newline after header or payload"]),
      (
        .invalidEnvelopeHeader(.duplicate(.sentAt)),
        ["invalid envelope header", "duplicate field `sent_at`"]
      ),
      (
        .invalidItemHeader(.missing(.type)), ["invalid item header", "missing field `type`"]
      ),
      (.projectMismatch, ["project id header mismatch between envelope and request"]),
      (.publicKeyMismatch, ["public key header mismatch between envelope and request"]),
      (.originMismatch, ["origin header mismatch between envelope and request"]),
    ]
    for (error, expected) in causes {
      #expect(error.status == 400)
      #expect(error.detail == "invalid event envelope")
      #expect(error.causes == expected)
    }
  }

  @Test func knowsTypes() {
    for type in ItemType.allCases where type != .session && type != .sessions {
      let reading = Reading("{}\n{\"type\":\"\(type.rawValue)\"}\n\n")
      #expect(reading.items.last == .skipped(type))
      #expect(reading.hasEventItem == type.requiresEvent)
    }
    #expect(Reading("{}\n{\"type\":\"profile_chunk_ui\"}").types == [.profileChunk])
    #expect(Reading("{}\n{\"type\":\"\"}").types == [.unknown])
    #expect(Reading("{}\n{\"type\":\"Session\"}").types == [.unknown])
    let needing = ItemType.allCases.filter(\.requiresEvent).map(\.rawValue)
    #expect(
      needing == [
        "attachment", "event", "feedback", "form_data", "profile", "raw_security", "replay_event",
        "security", "transaction", "unreal_report", "user_report",
      ])
  }

  // MARK: Fuzz

  @Test(arguments: 0..<6) func damageNeverCrashesAndSlicesMakeNoDifference(_ seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    for round in 0..<400 {
      var bytes = Samples.all[(seed + round) % Samples.all.count]
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        case 2:
          bytes.insert(Array("{}[]\",:\\\n\r0-".utf8).randomElement(using: &random)!, at: place)
        case 3: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 4:
          let end = min(bytes.count, place + Int.random(in: 0..<40, using: &random))
          bytes.insert(contentsOf: bytes[place..<end], at: place)
        default: bytes.removeSubrange(place..<min(bytes.count, place + 9))
        }
        if bytes.isEmpty { bytes = [0x7b] }
      }
      let whole = Reading(bytes)
      let cuts = (0..<Int.random(in: 0..<20, using: &random)).map { _ in
        Int.random(in: 0...bytes.count, using: &random)
      }
      #expect(Reading(bytes, cuts: cuts.sorted()) == whole)
      #expect(Reading(bytes, cuts: Array(0..<bytes.count)) == whole)
      #expect(whole.items.count <= EnvelopeLimits.itemsMax + 1)
    }
  }
}
