import Bytes
import Glibc
import Logging

/// The format of log lines.
enum LogFormat: String, Sendable {
  /// `2026-03-01T10:00:00.123Z info listening address=127.0.0.1:8787`
  case text
  /// One JSON object per line.
  case json
}

/// Writes each log event as one structured line to standard error.
///
/// The times are those of the system's clock, also where the service has another one, so that they
/// compare with other logs.
struct StandardErrorLogHandler: LogHandler {
  let format: LogFormat
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .info

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
        ([time, event.level.rawValue, message.visible]
          + pairs.map { "\($0.name)=\(quotedIfNeeded($0.value))" }).joined(separator: " ")
      case .json:
        jsonLine(
          [
            ("time", .string(time)), ("level", .string(event.level.rawValue)),
            ("message", .string(message)),
          ] + pairs.map { ($0.name, .string($0.value)) })
      }
    // One write per line keeps the lines of threads and processes apart.
    _ = writeAll(line + "\n", to: STDERR_FILENO)
  }
}

/// The value for after `name=`: a JSON string where its end would be unclear.
private func quotedIfNeeded(_ value: String) -> String {
  let isPlain =
    !value.isEmpty
    && !value.unicodeScalars.contains { $0.isHidden || $0 == " " || $0 == "\"" || $0 == "=" }
  return isPlain ? value : String(decoding: JSONWriter.quoted(value), as: UTF8.self).visibleJSON
}
