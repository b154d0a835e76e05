import Bytes

/// A value in a line of JSON.
enum JSONValue {
  case string(String)
  case integer(Int64)
  case number(Double)
  case boolean(Bool)
  case null

  /// The text, or null where there is none.
  static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

  fileprivate func write(to json: inout JSONWriter) {
    switch self {
    case .string(let text): json.value(text)
    case .integer(let number): json.value(number)
    case .number(let number): json.value(number)
    case .boolean(let truth): json.value(truth)
    case .null: json.null()
    }
  }
}

typealias JSONMembers = [(name: String, value: JSONValue)]

/// A JSON object on one line, with its members in the given order: people read these lines, and
/// an encoder would not keep the order. They may be read on a terminal, too, so that hidden
/// characters are escaped.
func jsonLine(_ members: JSONMembers) -> String {
  var json = JSONWriter()
  json.object { json in
    for (name, value) in members { json.member(name) { value.write(to: &$0) } }
  }
  return String(decoding: json.bytes, as: UTF8.self).visibleJSON
}
