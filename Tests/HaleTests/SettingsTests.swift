import Foundation
import Testing

@testable import hale

@Suite struct SettingsTests {
  @Test func webAddresses() {
    #expect(WebAddress("http://h")?.text == "http://h")
    #expect(WebAddress("HTTP://u:s@[::1]:80/a/b//")?.text == "http://u@[::1]:80/a/b")
    for bad in [
      "", "h", "http://", "ftp://h", "http://h:0", "http://h:x", "http://h?q", "http://h h",
      "http://[::1", "http://[x]",
    ] {
      #expect(WebAddress(bad) == nil, "\(bad)")
    }
  }

  @Test func dsns() {
    #expect(DSN("http://k@h:1/p/2")?.envelopePath == "/p/api/2/envelope/")
    #expect(DSN("http://k@h:1/2")?.envelopePath == "/api/2/envelope/")
    #expect(DSN("http://h:1/2") == nil && DSN("http://k@h:1/") == nil)
  }

  @Test func listenAddresses() {
    for bad in ["", ":1", "h", "h:", "h:-1", "h:65536", "[]:1", "::1:80"] {
      #expect(ListenAddress(bad) == nil, "\(bad)")
    }
    #expect(ListenAddress("[::]:0")?.reachable.text == "[::1]:0")
  }

  @Test func errorsNameTheLineOfASetting() throws {
    let file = try ConfigurationFile(text: "HALE_LISTEN=a:1\r\nHALE_LISTEN=b:2\n", path: "f")
    #expect(file.origin(of: .listen) == "HALE_LISTEN (line 2 of f)")
  }

  /// Quotation marks are read as shells read them. A ` #` in a value is an error, because container
  /// runtimes read it as part of the value.
  @Test func valuesOfTheFile() throws {
    let value = { (line: String) throws in
      try ConfigurationFile(text: "HALE_DATA=" + line, path: "f").values["HALE_DATA"]
    }
    for (line, expected) in [
      ("/a b", "/a b"), ("\"/a b\"", "/a b"), ("'/a' ", "/a"), ("\"a", "\"a"), ("\"", "\""),
      ("a#b", "a#b"), ("'a #b'", "a #b"),
    ] {
      #expect(try value(line) == expected, "\(line)")
    }
    #expect(throws: CommandFailure.self) { try value("/a # the data") }
  }

  /// The first of flag, environment and file that has a value wins, and errors name it.
  @Test func theFirstSourceOfASettingWins() throws {
    let path = NSTemporaryDirectory() + "hale-settings-\(UUID().uuidString)"
    try Data("HALE_LISTEN=file:1\nHALE_DATA=file\nHALE_ALERTS=\n".utf8).write(
      to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let sources = try SettingSources(
      flags: [(.listen, "flag:1"), (.data, nil), (.configuration, path)],
      environment: [
        "HALE_LISTEN": "variable:1", "HALE_DATA": "variable", "HALE_LOG_LEVEL": "",
        "HALE_CONFIG": "/none",
      ])
    let found = [Setting.listen, .data, .logLevel, .alerts].map { sources.value(of: $0) }
    #expect(found.map { $0?.value } == ["flag:1", "variable", nil, nil])
    #expect(found.map { $0?.origin } == ["--listen", "HALE_DATA", nil, nil])
    let plain = try SettingSources(flags: [], environment: ["HALE_CONFIG": path])
    #expect(plain.value(of: .listen)?.origin == "HALE_LISTEN (line 1 of \(path))")
  }

  /// The table in docs/settings.md is generated from the settings themselves.
  @Test func thePageHasTheTableOfSettings() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(
      contentsOf: root.appendingPathComponent("docs/settings.md"), encoding: .utf8)
    #expect(page.contains(Setting.markdownTable), "it should be:\n\(Setting.markdownTable)")
  }
}
