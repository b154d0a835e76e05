@testable import Envelopes
import ReleaseHealth
import Testing

@Suite struct EnvelopeHeaderTests {
  static let key = "0123456789abcdef0123456789abcdef"

  @Test(
    arguments: [
      ("{}", EnvelopeHeader()),
      (
        #"{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}"#,
        EnvelopeHeader(eventID: "9ec79c33ec9942ab8353589fcb2e04dc")
      ),
      (
        #"{"event_id":"00C79C33-ec99-42AB-8353-589fcb2e04dc"}"#,
        EnvelopeHeader(eventID: "00c79c33ec9942ab8353589fcb2e04dc")
      ),
      (#"{"event_id":null,"dsn":null,"sent_at":null,"origin":null}"#, EnvelopeHeader()),
      (
        #"{"sent_at":"2026-03-01T10:00:00.123456+01:00","origin":"https:\/\/shop.example"}"#,
        EnvelopeHeader(
          sentAt: Timestamp(milliseconds: 1_772_355_600_123), origin: "https://shop.example")
      ),
      (
        #"{"dsn":"https://\#(key)@o1.ingest.example/7","trace":{"public_key":5},"sdk":1,"sdk":2}"#,
        EnvelopeHeader(dsn: DSN(publicKey: key, projectID: ProjectID(rawValue: 7)))
      ),
      (
        #"{"s\u0065nt_at":"1970-01-01T00:00:00Z","type":1,"type":2}"#,
        EnvelopeHeader(sentAt: Timestamp(seconds: 0))
      ),
    ] as [(String, EnvelopeHeader)])
  func reads(_ json: String, _ header: EnvelopeHeader) {
    #expect(Reading(json).items == [.header(header)])
  }

  @Test(
    arguments: [
      (#"{"sent_at":1772355600}"#, .invalid(.sentAt)),
      (#"{"sent_at":"yesterday"}"#, .invalid(.sentAt)),
      (#"{"sent_at":""}"#, .invalid(.sentAt)),
      (#"{"sent_at":{}}"#, .invalid(.sentAt)),
      (#"{"sent_at":null,"sent_at":null}"#, .duplicate(.sentAt)),
      (
        #"{"sent_at":"2026-03-01T10:00:00Z","sent\u005fat":"2026-03-01T10:00:00Z"}"#,
        .duplicate(.sentAt)
      ),
      (#"{"event_id":"9ec79c33ec9942ab8353589fcb2e04d"}"#, .invalid(.eventID)),
      (#"{"event_id":"9ec79c33-ec9942ab8353589fcb2e04dc"}"#, .invalid(.eventID)),
      (#"{"event_id":"xec79c33ec9942ab8353589fcb2e04dc"}"#, .invalid(.eventID)),
      (#"{"event_id":""}"#, .invalid(.eventID)),
      (#"{"event_id":5}"#, .invalid(.eventID)),
      (#"{"event_id":null,"event_id":null}"#, .duplicate(.eventID)),
      (#"{"dsn":"https://example/1"}"#, .invalid(.dsn)),
      (#"{"dsn":1}"#, .invalid(.dsn)),
      (#"{"dsn":null,"dsn":null}"#, .duplicate(.dsn)),
      (#"{"origin":[]}"#, .invalid(.origin)),
      (#"{"origin":"a","origin":"a"}"#, .duplicate(.origin)),
      (#"{"sent_at":5,"event_id":5,}"#, .malformed),
    ] as [(String, HeaderFault)])
  func refuses(_ json: String, _ fault: HeaderFault) {
    let reading = Reading(json)
    #expect(reading.items.isEmpty)
    #expect(reading.error == .invalidEnvelopeHeader(fault))
  }

  @Test(
    arguments: [
      ("http://\(key)@host/42", 42),
      ("https://\(key)@host:9000/42", 42),
      ("HTTPS://\(key)@host/42", 42),
      ("https://\(key):@host/42", 42),
      ("https://\(key):secret@host/42/", 42),
      ("https://\(key)@[::1]:80/prefix/more/42", 42),
      ("https://\(key)@host/42?x=/9#/8", 42),
      ("https://\(key.uppercased())@host/0", 0),
      ("https://\(key)@host/9223372036854775807", .max),
    ] as [(String, Int64)])
  func readsDSN(_ text: String, _ project: Int64) {
    #expect(DSN(text) == DSN(publicKey: Self.key, projectID: ProjectID(rawValue: project)))
  }

  @Test(arguments: [
    "", "x", "://", "ftp://\(key)@host/42", "https:\(key)@host/42", "https://host/42",
    "https://@host/42", "https://\(key)@/42", "https://\(key)@host", "https://\(key)@host/",
    "https://\(key)@host//", "https://\(key)@host/a", "https://\(key)@host/+4",
    "https://\(key)@host/-4", "https://\(key)@host/4a", "https://\(key)@host/9223372036854775808",
    "https://\(key)0@host/42", "https://\(key.dropLast())@host/42",
    "https://\(key.dropLast())g@host/42", "https://\(key.dropLast())é@host/42",
    "https://:\(key)@host/42",
  ])
  func refusesDSN(_ text: String) {
    #expect(DSN(text) == nil)
  }
}
