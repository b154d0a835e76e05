/// A value in a line of JSON.
enum JSONValue: Sendable, ExpressibleByStringLiteral {
  case string(String)
  case integer(Int64)
  case number(Double)
  case boolean(Bool)
  case null

  init(stringLiteral text: String) {
    self = .string(text)
  }

  /// The text, or null where there is none.
  static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

  fileprivate func write(to line: inout String) {
    switch self {
    case .string(let text): writeQuoted(text, to: &line)
    case .integer(let number): line += String(number)
    case .number(let number): line += number.description
    case .boolean(let truth): line += truth ? "true" : "false"
    case .null: line += "null"
    }
  }
}

/// A JSON object on one line, with its members in the given order: people read these lines, and
/// an encoder would not keep the order.
func jsonLine(_ members: [(name: String, value: JSONValue)]) -> String {
  var line = "{"
  for (name, value) in members {
    if line.utf8.count > 1 { line += "," }
    writeQuoted(name, to: &line)
    line += ":"
    value.write(to: &line)
  }
  return line + "}"
}

// RFC 8259 §7: quotation mark, reverse solidus and control characters are escaped.
private func writeQuoted(_ text: String, to line: inout String) {
  line += "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": line += "\\\""
    case "\\": line += "\\\\"
    case "\n": line += "\\n"
    case "\r": line += "\\r"
    case "\t": line += "\\t"
    case "\0"..."\u{1f}", "\u{7f}":
      let digits = String(scalar.value, radix: 16)
      line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: line.unicodeScalars.append(scalar)
    }
  }
  line += "\""
}

/// The JSON string of a text, with quotation marks.
func jsonText(_ text: String) -> String {
  var quoted = ""
  writeQuoted(text, to: &quoted)
  return quoted
}
