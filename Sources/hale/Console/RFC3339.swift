import ReleaseHealth

extension Timestamp {
  /// The time of an RFC 3339 text, which may have white space around it; nil for any other text.
  init?(rfc3339 text: String) {
    let isBlank: (Character) -> Bool = { $0.isWhitespace || $0.isNewline }
    let trimmed = text.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
    guard let time = RFC3339.parse(String(trimmed)) else { return nil }
    self = time
  }

  /// The time in UTC with milliseconds, for example `2026-03-01T10:00:00.250Z`.
  var rfc3339: String { RFC3339.formatMilliseconds(self) }

  /// The time in UTC for people, in seconds, for example `2026-03-01 10:00:00`.
  var readable: String {
    String(rfc3339.prefix(19)).replacing("T", with: " ")
  }
}
