extension JSONReader {
  /// Checks and skips any value.
  ///
  /// - Parameter depth: the number of arrays and objects around the value.
  package mutating func skipValue(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) {
    // One bit a level, the innermost last: set for an object.
    var levels: UInt128 = 0
    var depth = depth
    let outermost = depth
    while true {
      let byte = try peek(bytes)
      switch byte {
      case UInt8(ascii: "\""): _ = try string(bytes)
      case UInt8(ascii: "t"): try literal(bytes, "true")
      case UInt8(ascii: "f"): try literal(bytes, "false")
      case UInt8(ascii: "n"): try literal(bytes, "null")
      case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): _ = try number(bytes)
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        let isObject = byte == UInt8(ascii: "{")
        guard depth < Self.nestingDepthMax else { throw JSONError(.depth) }
        index += 1
        if try peek(bytes) == byte + 2 {
          // In ASCII both closing brackets come two after the opening ones.
          index += 1
          break
        }
        depth += 1
        levels = levels << 1 | (isObject ? 1 : 0)
        if isObject { _ = try key(bytes) }
        continue
      default: throw JSONError(.value)
      }
      // The value is over: either a next one begins, or what it stands in is over too.
      while true {
        if depth == outermost { return }
        let byte = try peek(bytes)
        let isObject = levels & 1 == 1
        index += 1
        if byte == UInt8(ascii: ",") {
          if isObject { _ = try key(bytes) }
          break
        }
        guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
          throw JSONError(.comma)
        }
        depth -= 1
        levels >>= 1
      }
    }
  }

  /// The string that begins here; its escapes and its UTF-8 are checked.
  mutating func string(_ bytes: Span<UInt8>) throws(JSONError) -> JSONString {
    let start = index + 1
    var hasEscapes = false
    var index = start
    while true {
      index = bytes.endOfPlainText(from: index)
      guard index < bytes.count else { throw JSONError(.end) }
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") {
        self.index = index + 1
        return JSONString(range: start..<index, hasEscapes: hasEscapes)
      }
      if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        index = try Self.endOfEscape(bytes, index + 1)
      } else if byte >= 0x80 {
        index = try Self.endOfScalar(bytes, index)
      } else {
        throw JSONError(.control)
      }
    }
  }

  /// Checks an escape, both halves of it where it is a surrogate.
  ///
  /// A lone surrogate is not a character and is rejected, as in serde_json.
  private static func endOfEscape(_ bytes: Span<UInt8>, _ index: Int) throws(JSONError) -> Int {
    guard index < bytes.count else { throw JSONError(.end) }
    switch bytes[index] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
      UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return index + 1
    case UInt8(ascii: "u"): break
    default: throw JSONError(.escape)
    }
    guard index + 5 <= bytes.count else { throw JSONError(.end) }
    let unit = bytes.hexadecimal(at: index + 1)
    switch unit {
    case 0xd800..<0xdc00:
      guard index + 11 <= bytes.count, bytes[index + 5] == UInt8(ascii: "\\"),
        bytes[index + 6] == UInt8(ascii: "u"),
        (0xdc00..<0xe000).contains(bytes.hexadecimal(at: index + 7))
      else { throw JSONError(.surrogate) }
      return index + 11
    case 0xdc00..<0xe000: throw JSONError(.surrogate)
    case 0...0xffff: return index + 5
    default: throw JSONError(.escape)
    }
  }

  /// Checks one character beyond ASCII: RFC 3629 §4, without overlong forms and surrogates.
  private static func endOfScalar(_ bytes: Span<UInt8>, _ index: Int) throws(JSONError) -> Int {
    let lead = bytes[index]
    let length: Int
    let second: ClosedRange<UInt8>
    switch lead {
    case 0xc2...0xdf: (length, second) = (2, 0x80...0xbf)
    case 0xe0: (length, second) = (3, 0xa0...0xbf)
    case 0xed: (length, second) = (3, 0x80...0x9f)
    case 0xe1...0xef: (length, second) = (3, 0x80...0xbf)
    case 0xf0: (length, second) = (4, 0x90...0xbf)
    case 0xf1...0xf3: (length, second) = (4, 0x80...0xbf)
    case 0xf4: (length, second) = (4, 0x80...0x8f)
    default: throw JSONError(.utf8)
    }
    guard index + length <= bytes.count, second.contains(bytes[index + 1]) else {
      throw JSONError(.utf8)
    }
    for offset in 2..<max(length, 2) where bytes[index + offset] & 0xc0 != 0x80 {
      throw JSONError(.utf8)
    }
    return index + length
  }

  /// The number that begins here: RFC 8259 §6.
  mutating func number(_ bytes: Span<UInt8>) throws(JSONError) -> JSONDecimal {
    var number = JSONDecimal(isNegative: false, isInteger: true, digits: 0, exponent: 0)
    var index = index
    if bytes[index] == UInt8(ascii: "-") {
      number.isNegative = true
      index += 1
    }
    let start = index
    var dropped = 0
    while index < bytes.count, case let digit = bytes[index] &- UInt8(ascii: "0"), digit < 10 {
      number.append(digit, &dropped)
      index += 1
    }
    guard index > start, index == start + 1 || bytes[start] != UInt8(ascii: "0") else {
      throw JSONError(.value)
    }
    number.exponent = dropped
    if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
      number.isInteger = false
      index += 1
      let start = index
      while index < bytes.count, case let digit = bytes[index] &- UInt8(ascii: "0"), digit < 10 {
        number.append(digit, &dropped)
        index += 1
      }
      guard index > start else { throw JSONError(.value) }
      number.exponent = dropped - (index - start)
    }
    if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
      number.isInteger = false
      index += 1
      var isNegative = false
      if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-")
      {
        isNegative = bytes[index] == UInt8(ascii: "-")
        index += 1
      }
      let start = index
      var exponent = 0
      while index < bytes.count, case let digit = bytes[index] &- UInt8(ascii: "0"), digit < 10 {
        // Far beyond any payload's digits the size makes no difference any more.
        exponent = min(exponent * 10 + Int(digit), 1_000_000_000)
        index += 1
      }
      guard index > start else { throw JSONError(.value) }
      number.exponent += isNegative ? -exponent : exponent
    }
    self.index = index
    return number
  }
}
