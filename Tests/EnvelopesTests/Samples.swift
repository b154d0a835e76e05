import Envelopes

/// Envelopes as recorded from SDKs; keys, users and hosts are made up.
enum Samples {
  static let browser = #"""
    {"sent_at":"2026-11-23T03:12:04.719Z","sdk":{"name":"sentry.javascript.browser","version":"10.63.0"}}
    {"type":"session"}
    {"sid":"ab423ed139b9471f97f9acbe3e6148a7","init":true,"started":"2026-11-23T03:12:04.707Z","timestamp":"2026-11-23T03:12:04.707Z","status":"ok","errors":0,"attrs":{"release":"browser.healthy@1.0.0","environment":"staging","user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36"}}
    """#

  static let java = #"""
    {"sdk":{"name":"sentry.java","version":"8.53.0","packages":[{"name":"maven:io.sentry:sentry","version":"8.53.0"}],"integrations":["UncaughtExceptionHandler"]},"sent_at":"2026-11-23T03:13:42.258Z"}
    {"content_type":"application/json","type":"session","length":270}
    {"sid":"2e0f2c7b0b644b7ba388ca323c57d840","did":"java-install-did","started":"2026-11-23T03:13:41.445Z","status":"exited","seq":1795403621993,"errors":0,"duration":0.548,"timestamp":"2026-11-23T03:13:41.993Z","attrs":{"release":"java.did@1.0.0","environment":"staging"}}

    """#

  static let native = #"""
    {"dsn":"http://0123456789abcdef0123456789abcdef@127.0.0.1:44613/42"}
    {"type":"session","length":226}
    {"init":true,"sid":"64326b96-ab1b-46ca-eeb3-aa435859decb","status":"exited","did":"native-user-1","errors":0,"started":"2026-11-23T03:28:19.629Z","duration":0.004,"attrs":{"release":"nativeold.noenv@1.0.0","environment":null}}
    """#

  /// A crash: the event, a minidump with every special byte, and the session.
  static let nativeCrash: [UInt8] =
    Array(
      #"""
      {"event_id":"99E56481-60bb-443f-87b8-e54bb6a52fa4","dsn":"http://0123456789abcdef0123456789abcdef@127.0.0.1:44613/42"}
      {"type":"event","length":52}
      {"level":"fatal","message":"{\"type\":\"session\"}"}
      {"type":"attachment","length":20,"filename":"minidump.dmp","attachment_type":"event.minidump"}

      """#.utf8)
    + [0x4d, 0x44, 0x0a, 0x0d, 0x0a, 0x00, 0xff, 0xfe, 0x7b, 0x22, 0x7d, 0x0a, 0xef, 0xbb, 0xbf]
    + [0x0a, 0x0a, 0x80, 0x00, 0x0a]
    + Array(
      #"""

      {"type":"session","length":194}
      {"init":true,"sid":"6fc8cdab-d482-4b43-9ed0-665532c8f820","status":"crashed","did":null,"errors":1,"started":"2026-11-23T03:15:02.306430Z","duration":1.030741,"attrs":{"release":"native@1.0.0"}}
      """#.utf8)

  static let python = #"""
    {}
    {"type":"session","content_type":"application/json","length":237}
    {"sid":"9fc69f40-29a2-45ff-9690-0521f02e366a","init":true,"started":"2026-11-23T03:14:41.222290Z","timestamp":"2026-11-23T03:14:41.222330Z","status":"exited","did":"user-10","attrs":{"release":"py2.brotli@1.0.0","environment":"staging"}}
    {"type":"sessions","content_type":"application/json","length":155}
    {"attrs":{"environment":"staging","release":"py2.flask@1.0.0"},"aggregates":[{"started":"2026-11-23T03:14:00.000000Z","exited":7,"errored":2,"crashed":1}]}
    {"type":"client_report"}
    {"timestamp":1795403714.008,"discarded_events":[{"reason":"send_error","category":"session","quantity":1}]}

    """#

  static let rust = #"""
    {}
    {"type":"session","length":226}
    {"sid":"892daa5c-e0a6-4b61-95e9-797bdfe23af3","did":null,"started":"2026-11-23T03:29:43.210263212Z","init":true,"duration":0.200120493,"status":"exited","errors":0,"attrs":{"release":"rust.auto@1.0.0","environment":"staging"}}
    {"type":"sessions","length":217}
    {"aggregates":[{"started":"2026-11-23T03:29:00Z","did":"rust-r1","exited":3,"errored":3},{"started":"2026-11-23T03:29:00Z","did":"rust-r2","exited":6}],"attrs":{"release":"rust.request@1.0.0","environment":"staging"}}

    """#

  static let all: [[UInt8]] =
    [browser, java, native, python, rust].map { Array($0.utf8) } + [nativeCrash]
}

/// The result of reading an envelope.
struct Reading: Equatable {
  var items: [EnvelopeItem] = []
  var error: EnvelopeError?
  var hasEventItem = false

  /// Feeds `bytes` in slices that end at `cuts`.
  init(_ bytes: [UInt8], cuts: [Int] = []) {
    var reader = EnvelopeReader()
    do throws(EnvelopeError) {
      var start = 0
      for end in cuts + [bytes.count] {
        let slice = bytes.span.extracting(start..<end)
        var index = 0
        while let item = try reader.next(slice, &index) { items.append(item) }
        precondition(index == slice.count)
        start = end
      }
      if let item = try reader.finish() { items.append(item) }
      let again = try reader.finish()
      precondition(again == nil)
    } catch {
      self.error = error
    }
    hasEventItem = reader.hasEventItem
  }

  init(_ text: String, cuts: [Int] = []) {
    self.init(Array(text.utf8), cuts: cuts)
  }

  /// The types of the items, without the header.
  var types: [ItemType] {
    items.compactMap {
      switch $0 {
      case .header: nil
      case .session: .session
      case .sessions: .sessions
      case .clientReport: .clientReport
      case .skipped(let type): type
      }
    }
  }
}
