/// A small JSON document as a tree. Each value has the line on which it begins, for errors in files
/// that people write.
package struct JSONNode: Sendable {
  package indirect enum Value: Sendable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    case array([JSONNode])
    case object([(name: String, value: JSONNode)])
  }

  package var value: Value
  /// The line, counted from 1.
  package var line: Int

  /// A syntax error with its line.
  package struct Failure: Error {
    package var line: Int
    package var reason: String
  }

  package init(value: Value, line: Int) {
    self.value = value
    self.line = line
  }

  /// Parses a document.
  package init(_ bytes: [UInt8]) throws(Failure) {
    var parser = JSONNodeParser(bytes: bytes)
    self = try parser.document()
  }

  /// The member of an object with that name; nil if it is missing.
  package subscript(_ name: String) -> JSONNode? {
    guard case .object(let members) = value else { return nil }
    return members.last { $0.name == name }?.value
  }

  package var isNull: Bool {
    if case .null = value { return true }
    return false
  }
}

private struct JSONNodeParser {
  let bytes: [UInt8]
  var index = 0
  var line = 1

  private static let depthMax = 16

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func document() throws(JSONNode.Failure) -> JSONNode {
    let node = try value(depth: 0)
    skipSpace()
    if index < bytes.count { throw failure("unexpected text after the end of the JSON") }
    return node
  }

  private func failure(_ reason: String) -> JSONNode.Failure {
    JSONNode.Failure(line: line, reason: reason)
  }

  private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
      if byte == 0x0a { line += 1 }
      index += 1
    }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  private mutating func value(depth: Int) throws(JSONNode.Failure) -> JSONNode {
    skipSpace()
    if depth > Self.depthMax { throw failure("it is nested deeper than \(Self.depthMax) levels") }
    let line = line
    let value: JSONNode.Value
    switch next {
    case UInt8(ascii: "{"): value = .object(try members(depth))
    case UInt8(ascii: "["): value = .array(try elements(depth))
    case UInt8(ascii: "\""): value = .string(try string())
    case nil: throw failure("unexpected end of the JSON")
    default: value = try word()
    }
    return JSONNode(value: value, line: line)
  }

  private mutating func members(
    _ depth: Int
  ) throws(JSONNode.Failure) -> [(name: String, value: JSONNode)] {
    index += 1
    var members: [(name: String, value: JSONNode)] = []
    // A set, since a linear search for each name would take minutes for a body of a mebibyte.
    var names: Set<String> = []
    if take("}") { return members }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw failure("the name of a member is missing") }
      let name = try string()
      guard take(":") else { throw failure("':' is missing after \"\(name)\"") }
      guard names.insert(name).inserted else { throw failure("\"\(name)\" is repeated") }
      members.append((name, try value(depth: depth + 1)))
    } while take(",")
    guard take("}") else { throw failure("',' or '}' is missing") }
    return members
  }

  private mutating func elements(_ depth: Int) throws(JSONNode.Failure) -> [JSONNode] {
    index += 1
    var elements: [JSONNode] = []
    if take("]") { return elements }
    repeat { elements.append(try value(depth: depth + 1)) } while take(",")
    guard take("]") else { throw failure("',' or ']' is missing") }
    return elements
  }

  /// `true`, `false`, `null` or a number.
  private mutating func word() throws(JSONNode.Failure) -> JSONNode.Value {
    let start = index
    while let byte = next, byte > 0x20, !",]}:{[\"".utf8.contains(byte) { index += 1 }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    switch text {
    case "true": return .boolean(true)
    case "false": return .boolean(false)
    case "null": return .null
    default:
      // Swift also parses hexadecimal numbers and words, which JSON lacks.
      guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }),
        let number = Double(text), number.isFinite
      else { throw failure("'\(text)' is not JSON") }
      return .number(number)
    }
  }

  private mutating func string() throws(JSONNode.Failure) -> String {
    index += 1
    var text: [UInt8] = []
    while let byte = next, byte != UInt8(ascii: "\"") {
      if byte < 0x20 { throw failure("a string does not end on its line") }
      index += 1
      if byte == UInt8(ascii: "\\") { text += try escape() } else { text.append(byte) }
    }
    guard next != nil else { throw failure("a string is not terminated") }
    index += 1
    // NUL terminates strings in the database.
    guard let text = String(validating: text, as: UTF8.self), !text.utf8.contains(0) else {
      throw failure("a string is not UTF-8 or contains NUL")
    }
    return text
  }

  private mutating func escape() throws(JSONNode.Failure) -> [UInt8] {
    guard let byte = next else { throw failure("a string is not terminated") }
    index += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0c]
    case UInt8(ascii: "n"): return [0x0a]
    case UInt8(ascii: "r"): return [0x0d]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      var unit = try codeUnit()
      if unit >> 10 == 0xd800 >> 10 {
        guard index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"),
          bytes[index + 1] == UInt8(ascii: "u")
        else { throw failure("a surrogate pair is incomplete") }
        index += 2
        let low = try codeUnit()
        guard low >> 10 == 0xdc00 >> 10 else { throw failure("a surrogate pair is incomplete") }
        unit = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff)
      }
      guard let scalar = Unicode.Scalar(unit) else {
        throw failure("a surrogate pair is incomplete")
      }
      return Array(String(scalar).utf8)
    default: throw failure("'\\' starts an unknown escape sequence")
    }
  }

  private mutating func codeUnit() throws(JSONNode.Failure) -> UInt32 {
    guard index + 4 <= bytes.count else { throw failure("a string is not terminated") }
    let digits = String(decoding: bytes[index..<index + 4], as: UTF8.self)
    guard digits.utf8.count == 4, digits.first != "+", digits.first != "-",
      let unit = UInt32(digits, radix: 16)
    else { throw failure("'\\u' is not followed by four hexadecimal digits") }
    index += 4
    return unit
  }
}
