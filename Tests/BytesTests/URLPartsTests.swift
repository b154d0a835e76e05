import Bytes
import Testing

@Suite struct URLPartsTests {
  /// Scheme, user, host, port, path, query and fragment; `-` stands for none.
  static let urls: [(String, String?)] = [
    ("http://hale.example", "http - hale.example -  - -"),
    ("HTTPS://k:s@h:8787/a/b?c=d#e", "HTTPS k:s h 8787 /a/b c=d e"),
    ("http://[::1]:80/", "http - [::1] 80 / - -"),
    ("http://[::1]", "http - [::1] -  - -"),
    ("http://a@b@c/", "http a@b c - / - -"),
    ("http://@/", "http   - / - -"),
    ("http://h:/", "http - h  / - -"),
    ("http://h?x/y@z", "http - h -  x/y@z -"),
    ("http://h#?", "http - h -  - ?"),
    ("http://h?#", "http - h -   "),
    ("http:///p", "http -  - /p - -"),
    ("", nil), ("://h", nil), ("http:/h", nil), ("http:", nil), ("h", nil),
    ("a/b://c", "a/b - c -  - -"),
    ("http://[::1", nil), ("http://[::1]x", nil),
  ]

  @Test(arguments: urls)
  func isCut(_ url: String, _ expected: String?) {
    let parts = URLParts(url).map { parts in
      [
        parts.scheme, parts.userinfo ?? "-", parts.host, parts.port ?? "-", parts.path,
        parts.query ?? "-", parts.fragment ?? "-",
      ].joined(separator: " ")
    }
    #expect(parts == expected)
  }

  /// Whatever a text is, its parts put together are the text.
  @Test func nothingIsLost() {
    var random = SplitMix64(seed: 3)
    let pieces = [
      "http", "://", ":", "/", "?", "#", "@", "[", "]", "::1", "h", "é", "%41", " ", "",
    ]
    for _ in 0..<20_000 {
      let tail = (0..<8).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
      let text = "s://" + tail
      guard let parts = URLParts(text) else { continue }
      let whole =
        "\(parts.scheme)://\(parts.userinfo.map { "\($0)@" } ?? "")\(parts.authority)\(parts.path)"
        + (parts.query.map { "?\($0)" } ?? "") + (parts.fragment.map { "#\($0)" } ?? "")
      #expect(whole == text)
    }
  }
}
