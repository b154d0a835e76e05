/// A value of a member that should have one type.
package enum JSONField<Value> {
  case null
  case value(Value)
  /// A value of another type, which was checked and skipped.
  case other
}

/// Parses and checks JSON byte by byte, without objects, dictionaries and recursion.
///
/// It stores only a position; every method gets the bytes, because a span cannot be stored.
package struct JSONReader {
  /// The place that is read next.
  package internal(set) var index = 0

  /// The maximum depth of arrays and objects: that of serde_json, which Relay uses.
  package static let nestingDepthMax = 127

  package init() {}

  /// Checks the end: only white space may follow the last value.
  package mutating func end(_ bytes: Span<UInt8>) throws(JSONError) {
    skipWhitespace(bytes)
    if index < bytes.count { throw JSONError(.more) }
  }

  // MARK: Objects and arrays

  /// Enters an object; false if the value is not an object.
  package mutating func enterObject(_ bytes: Span<UInt8>) throws(JSONError) -> Bool {
    try enter(bytes, UInt8(ascii: "{"))
  }

  /// Enters an array; false if the value is not an array.
  package mutating func enterArray(_ bytes: Span<UInt8>) throws(JSONError) -> Bool {
    try enter(bytes, UInt8(ascii: "["))
  }

  /// The key of the next member, whose value has to be read next; nil at the end of the object.
  package mutating func nextKey(_ bytes: Span<UInt8>, isFirst: inout Bool) throws(JSONError)
    -> JSONString?
  {
    guard try next(bytes, UInt8(ascii: "}"), &isFirst) else { return nil }
    return try key(bytes)
  }

  /// Whether the array has another element, which has to be read next.
  package mutating func nextElement(_ bytes: Span<UInt8>, isFirst: inout Bool) throws(JSONError)
    -> Bool
  {
    try next(bytes, UInt8(ascii: "]"), &isFirst)
  }

  private mutating func enter(_ bytes: Span<UInt8>, _ bracket: UInt8) throws(JSONError) -> Bool {
    guard try peek(bytes) == bracket else { return false }
    index += 1
    return true
  }

  @inline(__always)
  private mutating func next(
    _ bytes: Span<UInt8>, _ bracket: UInt8, _ isFirst: inout Bool
  ) throws(JSONError) -> Bool {
    let byte = try peek(bytes)
    if byte == bracket {
      index += 1
      return false
    }
    if isFirst {
      isFirst = false
      return true
    }
    guard byte == UInt8(ascii: ",") else { throw JSONError(.comma) }
    index += 1
    return true
  }

  /// A member's key and its colon.
  @inline(__always)
  mutating func key(_ bytes: Span<UInt8>) throws(JSONError) -> JSONString {
    guard try peek(bytes) == UInt8(ascii: "\"") else { throw JSONError(.name) }
    let key = try string(bytes)
    guard try peek(bytes) == UInt8(ascii: ":") else { throw JSONError(.colon) }
    index += 1
    return key
  }

  /// The names of the first members of an object, whose values are skipped; none for any other
  /// document, and for text that is not JSON.
  ///
  /// - Parameter max: the number of names after which the rest is not read.
  package static func memberNames(_ bytes: [UInt8], max: Int) -> [String] {
    var (json, names, isFirst) = (JSONReader(), [String](), true)
    let bytes = bytes.span
    do throws(JSONError) {
      guard try json.enterObject(bytes) else { return [] }
      while names.count < max, let key = try json.nextKey(bytes, isFirst: &isFirst) {
        names.append(key.text(bytes))
        try json.skipValue(bytes, depth: 1)
      }
      return names
    } catch {
      return []
    }
  }

  // MARK: Fields

  package mutating func stringField(
    _ bytes: Span<UInt8>, depth: Int
  ) throws(JSONError) -> JSONField<JSONString> {
    if try peek(bytes) == UInt8(ascii: "\"") { return .value(try string(bytes)) }
    return try otherField(bytes, depth)
  }

  package mutating func numberField(
    _ bytes: Span<UInt8>, depth: Int
  ) throws(JSONError) -> JSONField<JSONDecimal> {
    switch try peek(bytes) {
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .value(try number(bytes))
    default: return try otherField(bytes, depth)
    }
  }

  /// A number that is not an unsigned integer is ``JSONField/other``.
  package mutating func unsignedField(
    _ bytes: Span<UInt8>, depth: Int
  ) throws(JSONError) -> JSONField<UInt64> {
    switch try numberField(bytes, depth: depth) {
    case .null: return .null
    case .value(let number): return number.unsigned.map { .value($0) } ?? .other
    case .other: return .other
    }
  }

  package mutating func booleanField(
    _ bytes: Span<UInt8>, depth: Int
  ) throws(JSONError) -> JSONField<Bool> {
    switch try peek(bytes) {
    case UInt8(ascii: "t"):
      try literal(bytes, "true")
      return .value(true)
    case UInt8(ascii: "f"):
      try literal(bytes, "false")
      return .value(false)
    default: return try otherField(bytes, depth)
    }
  }

  /// Reads `null`, or skips a value of another type.
  package mutating func otherField<Value>(
    _ bytes: Span<UInt8>, _ depth: Int
  ) throws(JSONError) -> JSONField<Value> {
    if try peek(bytes) == UInt8(ascii: "n") {
      try literal(bytes, "null")
      return .null
    }
    try skipValue(bytes, depth: depth)
    return .other
  }

  mutating func literal(_ bytes: Span<UInt8>, _ name: StaticString) throws(JSONError) {
    let end = index + name.utf8CodeUnitCount
    guard end <= bytes.count, bytes.extracting(index..<end).equals(name) else {
      throw JSONError(.value)
    }
    index = end
  }

  /// The next byte that is no white space, which is not passed.
  @inline(__always)
  mutating func peek(_ bytes: Span<UInt8>) throws(JSONError) -> UInt8 {
    skipWhitespace(bytes)
    guard index < bytes.count else { throw JSONError(.end) }
    return bytes[index]
  }

  @inline(__always)
  private mutating func skipWhitespace(_ bytes: Span<UInt8>) {
    while index < bytes.count, bytes[index] <= 0x20, bytes[index].isWhitespace { index += 1 }
  }
}
