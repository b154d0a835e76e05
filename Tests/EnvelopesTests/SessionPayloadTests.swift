import Envelopes
import ReleaseHealth
import Testing

@Suite struct SessionPayloadTests {
  typealias Outcome = Result<SessionUpdate, RejectionReason>

  static func read(_ json: String) -> Outcome {
    let bytes = Array(json.utf8)
    do throws(RejectionReason) {
      return .success(try SessionPayload.update(bytes.span))
    } catch {
      return .failure(error)
    }
  }

  /// An item with all required members, followed by `members`.
  static func item(_ members: String) -> String {
    let comma = members.isEmpty ? "" : ","
    return #"{"started":"2026-03-01T10:00:00Z","attrs":{"release":"a@1"}\#(comma)\#(members)}"#
  }

  static func update(_ change: (inout SessionUpdate) -> Void = { _ in }) -> Outcome {
    var update = SessionUpdate(started: Timestamp(seconds: 1_772_359_200), release: "a@1")
    change(&update)
    return .success(update)
  }

  static let sid = SessionID(value: 0xab42_3ed1_39b9_471f_97f9_acbe_3e61_48a7)

  // MARK: Fields

  @Test(
    arguments: [
      ("", update()),
      // Every key may be null.
      (
        #""sid":null,"did":null,"seq":null,"init":null,"timestamp":null,"duration":null,"#
          + #""status":null,"errors":null,"abnormal_mechanism":null"#, update()
      ),
      (#""sid":"ab423ed139b9471f97f9acbe3e6148a7""#, update { $0.sessionID = sid }),
      (#""sid":"AB423ED1-39B9-471F-97F9-ACBE3E6148A7""#, update { $0.sessionID = sid }),
      (#""sid":"\u0061b423ed139b9471f97f9acbe3e6148a7""#, update { $0.sessionID = sid }),
      (
        // sentry-native also randomizes the bits of the variant.
        #""sid":"ffffffff-ffff-46f9-0446-ffffffffffff""#,
        update { $0.sessionID = SessionID(value: 0xffff_ffff_ffff_46f9_0446_ffff_ffff_ffff) }
      ),
      (
        #""sid":"00000000000000000000000000000000""#,
        update { $0.sessionID = SessionID(value: 0) }
      ),
      (#""did":"user-1""#, update { $0.distinctID = "user-1" }),
      (#""did":"""#, update { $0.distinctID = "" }),
      (#""did":"00000000-0000-0000-0000-000000000000""#, update()),
      (#""did":"00000000000000000000000000000000""#, update()),
      (
        #""did":"00000000000000000000000000000001""#,
        update { $0.distinctID = "00000000000000000000000000000001" }
      ),
      (
        #""did":"0000000000000000000000000000000""#,
        update { $0.distinctID = "0000000000000000000000000000000" }
      ),
      (
        #""did":"\u00e9\uD83D\uDE00\"\\\/\b\f\n\r\t\u0000 żółć 😀""#,
        update { $0.distinctID = "é😀\"\\/\u{8}\u{c}\n\r\t\0 żółć 😀" }
      ),
      (#""seq":0"#, update()),
      (#""seq":18446744073709551615"#, update()),
      (#""init":true"#, update { $0.isInitial = true }),
      (#""init":false"#, update()),
      (
        #""timestamp":"2026-03-01 10:00:01.5+0000""#,
        update { $0.timestamp = Timestamp(milliseconds: 1_772_359_201_500) }
      ),
      (#""status":"ok""#, update()),
      (#""status":"exited""#, update { $0.status = .exited }),
      (#""status":"errored""#, update { $0.status = .errored }),
      (#""status":"unhandled""#, update { $0.status = .unhandled }),
      (#""status":"abnormal""#, update { $0.status = .abnormal }),
      (#""status":"crashed""#, update { $0.status = .crashed }),
      (#""status":"CRASHED""#, update { $0.status = .unknown }),
      (#""status":"""#, update { $0.status = .unknown }),
      (#""errors":0"#, update()),
      (#""errors":18446744073709551615"#, update { $0.errors = .max }),
      (#""errors":1000000000000000000"#, update { $0.errors = 1_000_000_000_000_000_000 }),
      (#""errors":9999999999999999999"#, update { $0.errors = 9_999_999_999_999_999_999 }),
      (#""abnormal_mechanism":"anr_foreground""#, update { $0.mechanism = .foreground }),
      (#""abnormal_mechanism":"anr_background""#, update { $0.mechanism = .background }),
      (#""abnormal_mechanism":"none""#, update()),
      (#""abnormal_mechanism":"ANR_FOREGROUND""#, update()),
      // The last value of a key counts, also when an earlier one is invalid.
      (#""did":"a","did":"b""#, update { $0.distinctID = "b" }),
      (#""did":"a","did":null"#, update()),
      (#""did":5,"did":"b""#, update { $0.distinctID = "b" }),
      (#""sid":"x","sid":null"#, update()),
      (#""started":5,"started":"2026-03-01T10:00:00Z""#, update()),
      (#""errors":-1,"errors":2"#, update { $0.errors = 2 }),
      (#""attrs":5,"attrs":{"release":"b"}"#, update { $0.release = "b" }),
      (#""attrs":{"release":5,"release":"b"}"#, update { $0.release = "b" }),
      // Unknown keys with any value; keys with escapes.
      (#""x":{"sid":[5,{"did":null}],"attrs":-0.5e+9},"":"","Sid":1,"sid ":2"#, update()),
      (#""d\u0069d":"a","\u0069nit":true"#, update { ($0.distinctID, $0.isInitial) = ("a", true) }),
      // Attributes.
      (
        #""attrs":{"environment":"","release":"","ip_address":"no address","user_agent":5}"#,
        update { ($0.release, $0.environment) = ("", "") }
      ),
      (#""attrs":{"release":"a@1","environment":null}"#, update()),
      (
        #""attrs":{"release":"a","environment":"\ud83d\ude00"}"#,
        update { ($0.release, $0.environment) = ("a", "😀") }
      ),
    ] as [(String, Outcome)])
  func reads(_ members: String, _ outcome: Outcome) {
    #expect(Self.read(Self.item(members)) == outcome)
  }

  @Test(
    arguments: [
      (#""sid":"""#, .invalidSessionID),
      (#""sid":5"#, .invalidSessionID),
      (#""sid":[]"#, .invalidSessionID),
      (#""sid":"ab423ed139b9471f97f9acbe3e6148a""#, .invalidSessionID),
      (#""sid":"ab423ed139b9471f97f9acbe3e6148a70""#, .invalidSessionID),
      (#""sid":"ab423ed139b9471f97f9acbe3e6148ag""#, .invalidSessionID),
      (#""sid":"ab423ed1-39b9471f-97f9acbe-3e6148a7-""#, .invalidSessionID),
      (#""sid":"ab423ed139b9-471f-97f9-acbe-3e6148a7""#, .invalidSessionID),
      (#""sid":"ab423ed1-39b9-471f-97f9-acbe3e6148-7""#, .invalidSessionID),
      (#""sid":"{b423ed1-39b9-471f-97f9-acbe3e6148a7""#, .invalidSessionID),
      (#""did":5"#, .invalidPayload),
      (#""did":true"#, .invalidPayload),
      (#""did":{}"#, .invalidPayload),
      (#""seq":-1"#, .invalidPayload),
      (#""seq":-0"#, .invalidPayload),
      (#""seq":1.0"#, .invalidPayload),
      (#""seq":1e3"#, .invalidPayload),
      (#""seq":"1""#, .invalidPayload),
      (#""seq":18446744073709551616"#, .invalidPayload),
      (#""seq":99999999999999999999"#, .invalidPayload),
      (#""seq":100000000000000000000"#, .invalidPayload),
      (#""init":1"#, .invalidPayload),
      (#""init":"true""#, .invalidPayload),
      (#""timestamp":"now""#, .invalidPayload),
      (#""timestamp":1772359200"#, .invalidPayload),
      (#""duration":"1""#, .invalidPayload),
      (#""duration":true"#, .invalidPayload),
      (#""status":5"#, .invalidPayload),
      (#""errors":-1"#, .invalidPayload),
      (#""errors":0.5"#, .invalidPayload),
      (#""errors":"1""#, .invalidPayload),
      (#""abnormal_mechanism":5"#, .invalidPayload),
      (#""started":null"#, .invalidStart),
      (#""started":1772359200"#, .invalidStart),
      (#""started":"2026-02-30T10:00:00Z""#, .invalidStart),
      (#""attrs":null"#, .missingRelease),
      (#""attrs":{}"#, .missingRelease),
      (#""attrs":{"release":null,"environment":"x"}"#, .missingRelease),
      (#""attrs":5"#, .invalidPayload),
      (#""attrs":[]"#, .invalidPayload),
      (#""attrs":{"release":5}"#, .invalidPayload),
      (#""attrs":{"release":"a","environment":5}"#, .invalidPayload),
      (#""errors":2,"errors":-1"#, .invalidPayload),
      // Of several faults the first in the enumeration is reported.
      (#""attrs":{},"started":5,"sid":5,"seq":-1"#, .invalidPayload),
      (#""attrs":{},"started":5,"sid":5"#, .invalidSessionID),
      (#""attrs":{},"started":5"#, .invalidStart),
    ] as [(String, RejectionReason)])
  func refuses(_ members: String, _ reason: RejectionReason) {
    #expect(Self.read(Self.item(members)) == .failure(reason))
  }

  @Test func requiresStartAndRelease() {
    #expect(Self.read("{}") == .failure(.invalidStart))
    #expect(Self.read(#"{"attrs":{"release":"a"}}"#) == .failure(.invalidStart))
    #expect(Self.read(#"{"started":"2026-03-01T10:00:00Z"}"#) == .failure(.missingRelease))
  }

  @Test(
    arguments: [
      ("0", 0), ("-0", 0), ("0.0", 0), ("0e9", 0), ("1", 1000), ("-1", 1000), ("1.5", 1500),
      ("0.0004", 0), ("0.0005", 1), ("0.00049999999999999999999999", 0), ("1.0305", 1031),
      ("1.030741", 1031), ("0.000005245208740234375", 0), ("1e3", 1_000_000), ("1E+2", 100_000),
      ("12345e-4", 1235), ("12344e-4", 1234), ("5e-4", 1), ("4.9e-4", 0), ("1e-400", 0),
      ("1e400", DomainLimits.durationMillisecondsMax), ("1e-99999999999999999999", 0),
      ("68719476.735", DomainLimits.durationMillisecondsMax - 1),
      ("68719476.736", DomainLimits.durationMillisecondsMax),
      ("68719476.737", DomainLimits.durationMillisecondsMax),
      ("99999999999999999999999999", DomainLimits.durationMillisecondsMax),
      ("1234567.89012345678901234567890", 1_234_567_890),
      ("100000000000000000000000e-20", 1_000_000), ("9999999999999999999e-19", 1000),
    ] as [(String, Int64)])
  func roundsDurations(_ number: String, _ milliseconds: Int64) {
    #expect(
      Self.read(Self.item(#""duration":\#(number)"#))
        == Self.update { $0.durationMilliseconds = milliseconds })
  }

  // MARK: JSON

  @Test(arguments: [
    "0", "-0", "10", "-1.5", "1E9", "1e-9", "0.0e+00", "true", "false", "null", #""""#, "[]", "{}",
    "[ ]", "{ }", " [ 1 , 2 ] ", "\t\r\n1\n", #"{"a":{"a":{}},"a":[[],[{}]]}"#, #""\u0000""#,
    #""\ud800\udc00""#, #""\uDBFF\uDFFF""#, "\"\u{7f}\"", "\"\u{10ffff}\u{e000}\u{d7ff}\"",
    String(repeating: "[", count: 126) + String(repeating: "]", count: 126),
    String(repeating: #"{"a":"#, count: 126) + "1" + String(repeating: "}", count: 126),
  ])
  func takesAnyValue(_ value: String) {
    #expect(Self.read(Self.item(#""x":\#(value)"#)) == Self.update())
  }

  @Test(arguments: [
    "", "01", "-", "-01", "1.", ".5", "1e", "1e+", "+1", "0x1", "1a", "--1", "NaN", "Infinity",
    "tru", "True", "truee", "nul", "undefined", "'a'", "\"a", "\"\\", "\"\\\"", #""\x""#, #""\u""#,
    #""\u12""#, #""\u12g4""#, #""\ud800""#, #""\ud800x""#, #""\ud800\n""#, #""\ud800\ud800""#,
    #""\udc00""#, #""\ud800\u0041""#, "\"\n\"", "\"\t\"", "\"\0\"", "[", "[1", "[1,", "[1,]",
    "[,1]",
    "[1 2]", "[1}", "{", "{1:2}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":1"b":2}"#,
    #"{"a" 1}"#,
    #"{"a":1]"#, #"{,}"#, "1 2", "]", "}", ",", "\u{a0}1", "\u{feff}1", "// x\n1", "/**/1",
    String(repeating: "[", count: 127) + String(repeating: "]", count: 127),
    String(repeating: "[", count: 100_000),
  ])
  func refusesWhatIsNoJSON(_ value: String) {
    #expect(Self.read(Self.item(#""x":\#(value)"#)) == .failure(.invalidPayload))
  }

  @Test(arguments: ["", " ", "null", "[]", "5", "\"a\"", "{", "{}}", "{} {}", "{},", "\u{feff}{}"])
  func requiresOneObject(_ json: String) {
    #expect(Self.read(json) == .failure(.invalidPayload))
  }

  @Test func allowsWhiteSpaceAroundEverything() {
    let spaced =
      " \r\n{ \"started\" :\t\"2026-03-01T10:00:00Z\" , \"attrs\" : { \"release\" : \"a@1\" } , "
      + "\"seq\" : 1 } \r\n\t "
    #expect(Self.read(spaced) == Self.update())
    #expect(Self.read(spaced + "x") == .failure(.invalidPayload))
  }

  @Test(
    arguments: [
      [0x80], [0xbf], [0xc0, 0x80], [0xc1, 0xbf], [0xc2], [0xc2, 0x41], [0xe0, 0x9f, 0xbf],
      [0xe0, 0xa0], [0xe0, 0xa0, 0x41], [0xed, 0xa0, 0x80], [0xef, 0xbf], [0xf0, 0x8f, 0xbf, 0xbf],
      [0xf0, 0x90, 0x80], [0xf0, 0x90, 0x80, 0xc0], [0xf4, 0x90, 0x80, 0x80],
      [0xf5, 0x80, 0x80, 0x80],
      [0xff], [0xfe, 0xff], [0xe2, 0x28, 0xa1],
    ] as [[UInt8]])
  func refusesWhatIsNoUTF8(_ sequence: [UInt8]) {
    for prefix in [#""did":""#, #""x":""#, #"""#, #""x":["a",""#] {
      let bytes =
        Array(#"{"started":"2026-03-01T10:00:00Z","attrs":{"release":"a@1"},"#.utf8)
        + Array(prefix.utf8) + sequence + Array("\":1}".utf8)
      #expect(throws: RejectionReason.invalidPayload) {
        _ = try SessionPayload.update(bytes.span)
      }
    }
  }

  // MARK: Aggregates

  static func aggregates(_ json: String) -> Result<SessionAggregates, RejectionReason> {
    let bytes = Array(json.utf8)
    do throws(RejectionReason) {
      return .success(try SessionPayload.aggregates(bytes.span))
    } catch {
      return .failure(error)
    }
  }

  static func buckets(_ buckets: String) -> Result<SessionAggregates, RejectionReason> {
    aggregates(#"{"aggregates":[\#(buckets)],"attrs":{"release":"a@1","environment":"x"}}"#)
  }

  @Test func readsBuckets() {
    let start = Timestamp(seconds: 1_772_359_200)
    let counts = SessionCounts(healthy: 1, errored: 2, unhandled: 3, abnormal: 4, crashed: 5)
    #expect(
      Self.buckets(
        #"""
        {"started":"2026-03-01T10:00:00Z","exited":1,"errored":2,"unhandled":3,"abnormal":4,
         "crashed":5,"x":[{}]},
        {"exited":4294967295,"started":"2026-03-01T10:00:00Z","did":"u"},
        {"started":"2026-03-01T10:00:00Z","crashed":1,"did":"00000000-0000-0000-0000-000000000000"},
        {"started":"2026-03-01T10:00:00Z","errored":1,"did":null,"exited":null},
        {"started":"2026-03-01T10:00:00Z"}, {"started":"2026-03-01T10:00:00Z","exited":0},
        {"exited":1}, {}, {"started":null,"exited":1}, {"started":5,"exited":1},
        {"started":"then","exited":1}, {"started":"then","exited":-1,"exited":7,"did":5,"did":"u",
         "started":"2026-03-01T10:00:00Z"}
        """#)
        == .success(
          SessionAggregates(
            release: "a@1", environment: "x",
            buckets: [
              SessionAggregate(started: start, counts: counts),
              SessionAggregate(
                started: start, distinctID: "u", counts: SessionCounts(healthy: 4_294_967_295)),
              SessionAggregate(started: start, counts: SessionCounts(crashed: 1)),
              SessionAggregate(started: start, counts: SessionCounts(errored: 1)),
              SessionAggregate(
                started: start, distinctID: "u", counts: SessionCounts(healthy: 7)),
            ], unreadableBuckets: 5)))
  }

  @Test(
    arguments: [
      (#"{"attrs":{"release":"a"}}"#, nil),
      (#"{"attrs":{"release":"a"},"aggregates":null}"#, nil),
      (#"{"attrs":{"release":"a"},"aggregates":5,"aggregates":[]}"#, nil),
      (#"{"attrs":{"release":"a"},"aggregates":[{"started":5}],"aggregates":[]}"#, nil),
      (#"{"attrs":{"release":"a"},"aggregates":[5],"aggregates":[]}"#, nil),
      (#"{"attrs":{"release":"a"},"aggregates":{}}"#, .invalidPayload),
      (#"{"attrs":{"release":"a"},"aggregates":5}"#, .invalidPayload),
      (#"{"attrs":{"release":"a"},"aggregates":[5]}"#, .invalidPayload),
      (#"{"attrs":{"release":"a"},"aggregates":[null]}"#, .invalidPayload),
      (#"{"attrs":{"release":"a"},"aggregates":[{"exited":-1}]}"#, .invalidPayload),
      (#"{"attrs":{"release":"a"},"aggregates":[{"exited":1.0}]}"#, .invalidPayload),
      (#"{"attrs":{"release":"a"},"aggregates":[{"exited":4294967296}]}"#, .invalidPayload),
      (#"{"attrs":{"release":"a"},"aggregates":[{"exited":"1"}]}"#, .invalidPayload),
      (#"{"attrs":{"release":"a"},"aggregates":[{"crashed":-1,"exited":1}]}"#, .invalidPayload),
      (#"{"attrs":{"release":"a"},"aggregates":[{"did":5}]}"#, .invalidPayload),
      (#"{"attrs":{"release":"a"},"aggregates":[{}"#, .invalidPayload),
      (#"{"attrs":{"release":"a"},"aggregates":[{}]"#, .invalidPayload),
      (#"{"attrs":{"release":"a"},"aggregates":[{}]}x"#, .invalidPayload),
      (#"{"attrs":{"release":5},"aggregates":[]}"#, .invalidPayload),
      (#"{"attrs":{},"aggregates":[]}"#, .missingRelease),
      (#"{"attrs":null,"aggregates":[]}"#, .missingRelease),
      (#"{"aggregates":[]}"#, .missingRelease),
      (#"[]"#, .invalidPayload),
      ("", .invalidPayload),
    ] as [(String, RejectionReason?)])
  func checksAggregates(_ json: String, _ reason: RejectionReason?) {
    if let reason {
      #expect(Self.aggregates(json) == .failure(reason))
    } else {
      #expect(
        Self.aggregates(json)
          == .success(SessionAggregates(release: "a", environment: nil, buckets: [])))
    }
  }

  @Test func limitsBuckets() throws {
    let bucket = #"{"started":"2026-03-01T10:00:00Z","exited":1}"#
    let atLimit = Array(repeating: bucket, count: EnvelopeLimits.bucketsMax)
      .joined(separator: ",")
    #expect(try Self.buckets(atLimit).get().buckets.count == EnvelopeLimits.bucketsMax)
    #expect(Self.buckets(atLimit + ",{}") == .failure(.tooLarge))
    // Invalid JSON is reported as such.
    #expect(Self.buckets(atLimit + ",{},{]") == .failure(.invalidPayload))
  }
}
