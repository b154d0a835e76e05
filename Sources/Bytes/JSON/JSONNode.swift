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

  /// The maximum number of members of an object: what looks members up, or names those that it does
  /// not know, takes a bounded time.
  package static let membersMax = 1000
  /// The maximum number of values of a document, of which each takes some hundred bytes of memory.
  package static let valuesMax = 100_000

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
    var builder = JSONNodeBuilder()
    do throws(JSONError) {
      self = try builder.document(bytes.span)
    } catch {
      let line = builder.line(bytes.span)
      throw Failure(
        line: line, reason: builder.repeated.map { "\"\($0)\" is repeated" } ?? error.text)
    }
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

/// Builds the tree of what ``JSONReader`` reads, and counts lines on the way.
private struct JSONNodeBuilder {
  private var json = JSONReader()
  /// The number of lines up to the byte `counted`.
  private var lines = 1
  private var counted = 0
  /// The number of values that were read.
  private var values = 0
  /// The name of a repeated member.
  private(set) var repeated: String?

  private static let depthMax = 16

  mutating func document(_ bytes: Span<UInt8>) throws(JSONError) -> JSONNode {
    if CombiningMarks.areTooMany(bytes) { throw JSONError(.marks) }
    let node = try value(bytes, depth: 0)
    try json.end(bytes)
    return node
  }

  /// The line that the reader is on.
  mutating func line(_ bytes: Span<UInt8>) -> Int {
    while counted < min(json.index, bytes.count) {
      if bytes[counted] == UInt8(ascii: "\n") { lines += 1 }
      counted += 1
    }
    return lines
  }

  private mutating func value(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) -> JSONNode {
    let first = try json.peek(bytes)
    if depth > Self.depthMax { throw JSONError(.depth) }
    values += 1
    if values > JSONNode.valuesMax { throw JSONError(.values) }
    let line = line(bytes)
    let value: JSONNode.Value
    switch first {
    case UInt8(ascii: "{"): value = .object(try members(bytes, depth))
    case UInt8(ascii: "["): value = .array(try elements(bytes, depth))
    case UInt8(ascii: "\""): value = .string(try text(bytes, try json.string(bytes)))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      value = .number(try number(bytes))
    default:
      switch try json.booleanField(bytes, depth: depth) {
      case .value(let truth): value = .boolean(truth)
      case .null: value = .null
      case .other: throw JSONError(.value)
      }
    }
    return JSONNode(value: value, line: line)
  }

  private mutating func members(
    _ bytes: Span<UInt8>, _ depth: Int
  ) throws(JSONError) -> [(name: String, value: JSONNode)] {
    var members: [(name: String, value: JSONNode)] = []
    var names: Set<String> = []
    var isFirst = true
    _ = try json.enterObject(bytes)
    while let key = try json.nextKey(bytes, isFirst: &isFirst) {
      let name = try text(bytes, key)
      guard names.insert(name).inserted else {
        repeated = name
        throw JSONError(.repeated)
      }
      if names.count > JSONNode.membersMax { throw JSONError(.members) }
      members.append((name, try value(bytes, depth: depth + 1)))
    }
    return members
  }

  private mutating func elements(
    _ bytes: Span<UInt8>, _ depth: Int
  ) throws(JSONError) -> [JSONNode] {
    var elements: [JSONNode] = []
    var isFirst = true
    _ = try json.enterArray(bytes)
    while try json.nextElement(bytes, isFirst: &isFirst) {
      elements.append(try value(bytes, depth: depth + 1))
    }
    return elements
  }

  private mutating func number(_ bytes: Span<UInt8>) throws(JSONError) -> Double {
    let start = json.index
    _ = try json.number(bytes)
    let text = String(copying: bytes.extracting(start..<json.index))
    guard let number = Double(text), number.isFinite else { throw JSONError(.range) }
    return number
  }

  private func text(_ bytes: Span<UInt8>, _ string: JSONString) throws(JSONError) -> String {
    let text = string.text(bytes)
    // NUL terminates strings in the database.
    if text.utf8.contains(0) { throw JSONError(.nul) }
    return text
  }
}
