/// The bytes are not the JSON of RFC 8259, or nest too deep.
struct JSONError: Error {}

/// A string as it stands in JSON, without its quotes.
struct JSONString {
  var range: Range<Int>
  var hasEscapes: Bool

  /// Calls `body` with the string's UTF-8, for which it is copied only when it has escapes.
  @inline(__always)
  func withBytes<Result>(_ bytes: Span<UInt8>, _ body: (Span<UInt8>) -> Result) -> Result {
    if !hasEscapes { return body(bytes.extracting(range)) }
    let unescaped = unescaped(bytes)
    return body(unescaped.span)
  }

  func text(_ bytes: Span<UInt8>) -> String {
    withBytes(bytes) { String(copying: $0) }
  }

  /// Trusts that the reader has checked the escapes.
  private func unescaped(_ bytes: Span<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(range.count)
    var index = range.lowerBound
    while index < range.upperBound {
      let byte = bytes[index]
      index += 1
      guard byte == UInt8(ascii: "\\") else {
        result.append(byte)
        continue
      }
      let escape = bytes[index]
      index += 1
      switch escape {
      case UInt8(ascii: "b"): result.append(0x08)
      case UInt8(ascii: "f"): result.append(0x0c)
      case UInt8(ascii: "n"): result.append(0x0a)
      case UInt8(ascii: "r"): result.append(0x0d)
      case UInt8(ascii: "t"): result.append(0x09)
      case UInt8(ascii: "u"):
        var unit = bytes.hexadecimal(at: index)
        index += 4
        if unit >> 10 == 0xd800 >> 10 {
          // RFC 8259 §7: beyond the basic plane, a pair of surrogates.
          let low = bytes.hexadecimal(at: index + 2)
          unit = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff)
          index += 6
        }
        guard let scalar = Unicode.Scalar(unit) else { continue }
        result.append(contentsOf: String(scalar).utf8)
      default: result.append(escape)
      }
    }
    return result
  }
}

/// A number as it stands in JSON.
struct JSONNumber {
  var isNegative: Bool
  /// The number has neither fraction nor exponent.
  var isInteger: Bool
  /// The first 19 significant digits; the number is these times ten to the ``exponent``.
  var digits: UInt64
  var exponent: Int
  /// The 20th digit, which ``digits`` has no room for.
  var lastDigit: UInt8 = 0

  /// The number when it is an unsigned integer that fits 64 bits. `-0` is none, as with Relay.
  var unsigned: UInt64? {
    guard !isNegative, isInteger else { return nil }
    if exponent == 0 { return digits }
    // More than 19 digits: the 20th may still fit.
    guard exponent == 1 else { return nil }
    let (tens, overflow) = digits.multipliedReportingOverflow(by: 10)
    if overflow { return nil }
    let (sum, carry) = tens.addingReportingOverflow(UInt64(lastDigit))
    return carry ? nil : sum
  }
}

/// A value of a member that should have one type.
enum JSONField<Value> {
  case null
  case value(Value)
  /// A value of another type, which was checked and skipped.
  case other
}

/// Reads and checks JSON byte by byte: no objects, no dictionaries, no recursion.
///
/// It keeps a place only; every method is given the bytes, because a span cannot be stored.
struct JSONReader {
  private(set) var index = 0

  /// To be called after the last value: nothing but white space may follow.
  mutating func end(_ bytes: Span<UInt8>) throws(JSONError) {
    skipWhitespace(bytes)
    if index < bytes.count { throw JSONError() }
  }

  // MARK: Objects and arrays

  /// Enters an object; false when the value is none.
  mutating func enterObject(_ bytes: Span<UInt8>) throws(JSONError) -> Bool {
    try enter(bytes, UInt8(ascii: "{"))
  }

  /// Enters an array; false when the value is none.
  mutating func enterArray(_ bytes: Span<UInt8>) throws(JSONError) -> Bool {
    try enter(bytes, UInt8(ascii: "["))
  }

  /// The key of the next member, whose value is to be read then; nil when the object has ended.
  mutating func nextKey(_ bytes: Span<UInt8>, isFirst: inout Bool) throws(JSONError) -> JSONString?
  {
    guard try next(bytes, UInt8(ascii: "}"), &isFirst) else { return nil }
    return try key(bytes)
  }

  /// Whether the array has one more element, which is to be read then.
  mutating func nextElement(_ bytes: Span<UInt8>, isFirst: inout Bool) throws(JSONError) -> Bool {
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
    guard byte == UInt8(ascii: ",") else { throw JSONError() }
    index += 1
    return true
  }

  /// A member's key and its colon.
  @inline(__always)
  private mutating func key(_ bytes: Span<UInt8>) throws(JSONError) -> JSONString {
    guard try peek(bytes) == UInt8(ascii: "\"") else { throw JSONError() }
    let key = try string(bytes)
    guard try peek(bytes) == UInt8(ascii: ":") else { throw JSONError() }
    index += 1
    return key
  }

  // MARK: Fields

  mutating func stringField(
    _ bytes: Span<UInt8>, depth: Int
  ) throws(JSONError) -> JSONField<JSONString> {
    if try peek(bytes) == UInt8(ascii: "\"") { return .value(try string(bytes)) }
    return try otherField(bytes, depth)
  }

  mutating func numberField(
    _ bytes: Span<UInt8>, depth: Int
  ) throws(JSONError) -> JSONField<JSONNumber> {
    switch try peek(bytes) {
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .value(try number(bytes))
    default: return try otherField(bytes, depth)
    }
  }

  /// A number that is no unsigned integer is ``JSONField/other``.
  mutating func unsignedField(
    _ bytes: Span<UInt8>, depth: Int
  ) throws(JSONError) -> JSONField<UInt64> {
    switch try numberField(bytes, depth: depth) {
    case .null: return .null
    case .value(let number): return number.unsigned.map { .value($0) } ?? .other
    case .other: return .other
    }
  }

  mutating func booleanField(
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
  mutating func otherField<Value>(
    _ bytes: Span<UInt8>, _ depth: Int
  ) throws(JSONError) -> JSONField<Value> {
    if try peek(bytes) == UInt8(ascii: "n") {
      try literal(bytes, "null")
      return .null
    }
    try skipValue(bytes, depth: depth)
    return .other
  }

  // MARK: Values

  /// Checks any value and passes over it.
  ///
  /// - Parameter depth: how many arrays and objects the value stands in.
  mutating func skipValue(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) {
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
        guard depth < EnvelopeLimits.nestingDepthMax else { throw JSONError() }
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
      default: throw JSONError()
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
          throw JSONError()
        }
        depth -= 1
        levels >>= 1
      }
    }
  }

  /// The string that begins here; its escapes and its UTF-8 are checked.
  private mutating func string(_ bytes: Span<UInt8>) throws(JSONError) -> JSONString {
    let start = index + 1
    var hasEscapes = false
    var index = start
    while true {
      index = bytes.endOfPlainText(from: index)
      guard index < bytes.count else { throw JSONError() }
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
        throw JSONError()
      }
    }
  }

  /// Checks an escape, both halves of it where it is a surrogate.
  ///
  /// A surrogate alone stands for no character and is refused, as serde_json does.
  private static func endOfEscape(_ bytes: Span<UInt8>, _ index: Int) throws(JSONError) -> Int {
    guard index < bytes.count else { throw JSONError() }
    switch bytes[index] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
      UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return index + 1
    case UInt8(ascii: "u"): break
    default: throw JSONError()
    }
    guard index + 5 <= bytes.count else { throw JSONError() }
    let unit = bytes.hexadecimal(at: index + 1)
    switch unit {
    case 0xd800..<0xdc00:
      guard index + 11 <= bytes.count, bytes[index + 5] == UInt8(ascii: "\\"),
        bytes[index + 6] == UInt8(ascii: "u"),
        (0xdc00..<0xe000).contains(bytes.hexadecimal(at: index + 7))
      else { throw JSONError() }
      return index + 11
    case 0xdc00..<0xe000: throw JSONError()
    case 0...0xffff: return index + 5
    default: throw JSONError()
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
    default: throw JSONError()
    }
    guard index + length <= bytes.count, second.contains(bytes[index + 1]) else {
      throw JSONError()
    }
    for offset in 2..<max(length, 2) where bytes[index + offset] & 0xc0 != 0x80 {
      throw JSONError()
    }
    return index + length
  }

  /// The number that begins here: RFC 8259 §6.
  private mutating func number(_ bytes: Span<UInt8>) throws(JSONError) -> JSONNumber {
    var number = JSONNumber(isNegative: false, isInteger: true, digits: 0, exponent: 0)
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
      throw JSONError()
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
      guard index > start else { throw JSONError() }
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
      guard index > start else { throw JSONError() }
      number.exponent += isNegative ? -exponent : exponent
    }
    self.index = index
    return number
  }

  private mutating func literal(_ bytes: Span<UInt8>, _ name: StaticString) throws(JSONError) {
    let end = index + name.utf8CodeUnitCount
    guard end <= bytes.count, bytes.extracting(index..<end).equals(name) else { throw JSONError() }
    index = end
  }

  /// The next byte that is no white space, which is not passed.
  @inline(__always)
  private mutating func peek(_ bytes: Span<UInt8>) throws(JSONError) -> UInt8 {
    skipWhitespace(bytes)
    guard index < bytes.count else { throw JSONError() }
    return bytes[index]
  }

  @inline(__always)
  private mutating func skipWhitespace(_ bytes: Span<UInt8>) {
    while index < bytes.count, bytes[index] <= 0x20, bytes[index].isWhitespace { index += 1 }
  }
}

extension JSONNumber {
  /// Appends a digit, or counts it in `dropped` when there is no room for it.
  @inline(__always)
  fileprivate mutating func append(_ digit: UInt8, _ dropped: inout Int) {
    if digits < 1_000_000_000_000_000_000 {
      digits = digits &* 10 &+ UInt64(digit)
    } else {
      dropped += 1
      if dropped == 1 { lastDigit = digit }
    }
  }
}

extension UInt8 {
  /// White space between JSON's tokens: RFC 8259 §2.
  @inline(__always)
  var isWhitespace: Bool { self == 0x20 || self == 0x0a || self == 0x0d || self == 0x09 }

  /// The value of a hexadecimal digit; 255 when it is none.
  @inline(__always)
  var hexadecimalDigit: UInt8 {
    let digit = self &- UInt8(ascii: "0")
    if digit < 10 { return digit }
    let letter = (self | 0x20) &- UInt8(ascii: "a")
    return letter < 6 ? letter + 10 : 255
  }
}

extension Span<UInt8> {
  @inline(__always)
  func equals(_ name: StaticString) -> Bool {
    guard count == name.utf8CodeUnitCount else { return false }
    for index in 0..<count where unsafe self[index] != name.utf8Start[index] { return false }
    return true
  }

  /// The first byte from `start` on that is not plain in a JSON string: a quote, a backslash, a
  /// control character or one beyond ASCII.
  @inline(__always)
  func endOfPlainText(from start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var index = start
    while count - index >= 8 {
      let word = word(at: index)
      // In a byte without its highest bit, subtracting borrows that bit only from zero. What a
      // borrow does to the bytes above it does not matter: the lowest hit is the first.
      let hits =
        word | ((word ^ (ones &* 0x22)) &- ones) | ((word ^ (ones &* 0x5c)) &- ones)
        | (word &- (ones &* 0x20))
      let highest = hits & (ones << 7)
      if highest != 0 { return index + highest.trailingZeroBitCount / 8 }
      index += 8
    }
    while index < count {
      let byte = self[index]
      if byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"")
        || byte == UInt8(ascii: "\\")
      {
        break
      }
      index += 1
    }
    return index
  }

  /// The first newline from `start` on.
  func firstNewline(from start: Int) -> Int? {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var index = start
    while count - index >= 8 {
      let differences = word(at: index) ^ (ones &* 0x0a)
      let zeros = (differences &- ones) & ~differences & (ones << 7)
      if zeros != 0 { return index + zeros.trailingZeroBitCount / 8 }
      index += 8
    }
    while index < count {
      if self[index] == UInt8(ascii: "\n") { return index }
      index += 1
    }
    return nil
  }

  /// Eight bytes, the first lowest.
  @inline(__always)
  private func word(at index: Int) -> UInt64 {
    precondition(index >= 0 && index <= count - 8)
    return UInt64(
      littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
  }

  /// Four hexadecimal digits; beyond 16 bits when they are none.
  func hexadecimal(at index: Int) -> UInt32 {
    var value: UInt32 = 0
    for offset in 0..<4 {
      let digit = self[index + offset].hexadecimalDigit
      if digit == 255 { return .max }
      value = value << 4 | UInt32(digit)
    }
    return value
  }
}

extension String {
  /// Copies UTF-8; what is none is replaced.
  init(copying bytes: Span<UInt8>) {
    self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
  }
}
