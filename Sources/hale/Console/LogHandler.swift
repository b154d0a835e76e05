import Glibc
import Logging

/// How log lines are written.
enum LogFormat: String, Sendable {
  /// `2026-03-01T10:00:00.123Z info listening address=127.0.0.1:8787`
  case text
  /// One JSON object a line.
  case json
}

/// Writes one structured line an event to standard error.
///
/// Its times are the system's, also where the service's clock is another: who looks for the cause
/// of something compares them with other logs.
struct StandardErrorLogHandler: LogHandler {
  private let format: LogFormat
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .info

  init(format: LogFormat) {
    self.format = format
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var fields = metadata
    if let error = event.error { fields["error"] = "\(error)" }
    fields.merge(event.metadata ?? [:]) { _, ofEvent in ofEvent }
    let pairs = fields.sorted { $0.key < $1.key }.map { (name: $0.key, value: "\($0.value)") }
    let time = SystemClock.wall().rfc3339
    let message = "\(event.message)"
    let line =
      switch format {
      case .text:
        ([time, event.level.rawValue, oneLine(message)]
          + pairs.map { "\($0.name)=\(quotedIfNeeded($0.value))" }).joined(separator: " ")
      case .json:
        jsonLine(
          [
            ("time", .string(time)), ("level", .string(event.level.rawValue)),
            ("message", .string(message)),
          ] + pairs.map { ($0.name, .string($0.value)) })
      }
    // One write a line, so that lines of different threads and processes do not mix.
    _ = writeAll(line + "\n", to: STDERR_FILENO)
  }
}

/// A message without line breaks: clients' texts must not be able to forge a line.
private func oneLine(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: \.isControl) else { return text }
  return String(
    String.UnicodeScalarView(text.unicodeScalars.map { $0.isControl ? " " : $0 }))
}

/// A value as it stands after `name=`; in JSON's quotation marks where its end would be unclear.
private func quotedIfNeeded(_ value: String) -> String {
  let isPlain =
    !value.isEmpty
    && !value.unicodeScalars.contains { $0.isControl || $0 == " " || $0 == "\"" || $0 == "=" }
  return isPlain ? value : jsonText(value)
}

extension Unicode.Scalar {
  fileprivate var isControl: Bool { value < 0x20 || value == 0x7f }
}
