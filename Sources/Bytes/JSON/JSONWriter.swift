/// Writes JSON text (RFC 8259) without white space into bytes.
///
/// Answers have dynamic keys and thousands of numbers, for which `Encodable` is slow. The writer
/// adds commas and closing brackets; the caller writes a ``key(_:)`` and one value for each member.
package struct JSONWriter {
  /// The text so far.
  package private(set) var bytes: [UInt8] = []
  private var needsComma = false
  private var fractions = FractionTexts()

  package init() {}

  /// - Parameter count: the approximate number of bytes to come, which avoids reallocation.
  package init(reserving count: Int) {
    bytes.reserveCapacity(count)
  }

  /// The JSON form of a text, with its quotation marks.
  package static func quoted(_ text: String) -> [UInt8] { document { $0.value(text) } }

  /// The bytes of the value that `write` writes.
  package static func document(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter()
    write(&writer)
    return writer.bytes
  }

  /// The bytes of an object; `members` writes keys and values in turn.
  package static func object(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
    document { $0.object(members) }
  }

  /// The bytes of an array; `elements` writes the elements.
  package static func array(_ elements: (inout JSONWriter) -> Void) -> [UInt8] {
    document { $0.array(elements) }
  }

  /// Writes an object; `members` writes keys and values in turn.
  @inlinable
  package mutating func object<Failure: Error>(
    _ members: (inout JSONWriter) throws(Failure) -> Void
  ) throws(Failure) {
    open(UInt8(ascii: "{"))
    try members(&self)
    close(UInt8(ascii: "}"))
  }

  /// Writes an array; `elements` writes the elements.
  @inlinable
  package mutating func array<Failure: Error>(
    _ elements: (inout JSONWriter) throws(Failure) -> Void
  ) throws(Failure) {
    open(UInt8(ascii: "["))
    try elements(&self)
    close(UInt8(ascii: "]"))
  }

  /// Writes the key of a member; its value comes next.
  package mutating func key(_ name: String) {
    value(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  package mutating func value(_ text: String) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      appendEscaped(byte)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  // No generic of all integers: other modules would call it unspecialized.
  package mutating func value(_ number: Int64) {
    separate()
    bytes.append(addingCapacity: Self.numberBytesMax) { $0.append(digitsOf: number) }
  }

  package mutating func value(_ number: UInt64) {
    separate()
    bytes.append(addingCapacity: Self.numberBytesMax) { $0.append(digitsOf: number) }
  }

  package mutating func value(_ number: Int) {
    value(Int64(number))
  }

  /// Writes the shortest digits that parse as the same number. Infinities and NaN become null.
  package mutating func value(_ number: Double) {
    separate()
    bytes.append(addingCapacity: Self.numberBytesMax) { $0.append(number) }
  }

  /// Writes an array of numbers; nil and numbers that are not finite become null. It checks the
  /// capacity once for the whole series.
  package mutating func array(of numbers: [JSONNumber]) {
    separate()
    // Copied out of the writer, whose bytes the closure accesses exclusively.
    var fractions = FractionTexts()
    swap(&fractions, &self.fractions)
    defer { swap(&fractions, &self.fractions) }
    bytes.append(addingCapacity: numbers.count * (Self.numberBytesMax + 1) + 2) { text in
      text.append(UInt8(ascii: "["))
      for index in numbers.indices {
        if index > 0 { text.append(UInt8(ascii: ",")) }
        switch numbers[index] {
        case .integer(let number): text.append(digitsOf: number)
        case .share(let number): fractions.append(number ?? .nan, to: &text)
        case .decimal(let number): text.append(number ?? .nan)
        }
      }
      text.append(UInt8(ascii: "]"))
    }
  }

  /// The maximum length of a number, that of "-2.2250738585072014e-308".
  fileprivate static let numberBytesMax = 24

  package mutating func value(_ truth: Bool) {
    separate()
    bytes.append(contentsOf: (truth ? "true" : "false").utf8)
  }

  package mutating func null() {
    separate()
    bytes.append(contentsOf: "null".utf8)
  }

  /// Writes a value that is already JSON.
  package mutating func raw(_ json: String) {
    separate()
    bytes.append(contentsOf: json.utf8)
  }

  @usableFromInline
  package mutating func open(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    needsComma = false
  }

  @usableFromInline
  package mutating func close(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  /// Writes a string. Quotation mark, reverse solidus and control characters are escaped (RFC 8259
  /// §7); all other text stays UTF-8.
  private mutating func appendEscaped(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): bytes.append(contentsOf: "\\\"".utf8)
    case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
    case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
    case UInt8(ascii: "\r"): bytes.append(contentsOf: "\\r".utf8)
    case UInt8(ascii: "\t"): bytes.append(contentsOf: "\\t".utf8)
    case 0..<0x20:
      bytes.append(contentsOf: "\\u00".utf8)
      bytes.append(hexadecimal: byte)
    default: bytes.append(byte)
    }
  }
}

extension OutputSpan<UInt8> {
  /// Writes an integer without an allocation, since most numbers of an answer are small.
  fileprivate mutating func append(digitsOf number: Int64) {
    if number < 0 { append(UInt8(ascii: "-")) }
    append(digitsOf: number.magnitude)
  }

  fileprivate mutating func append(digitsOf number: UInt64) {
    var rest = number
    if rest < 10 { return append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest)) }
    var digits: InlineArray<20, UInt8> = .init(repeating: 0)
    var count = 0
    repeat {
      digits[count] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      count += 1
      rest /= 10
    } while rest > 0
    while count > 0 {
      count -= 1
      append(digits[count])
    }
  }

  fileprivate mutating func append(_ number: Double) {
    guard number.isFinite else { return append(text: "null") }
    // Most rates of an hour are exactly 0 or 1.
    if number == 1 { return append(text: "1.0") }
    if number == 0, number.sign == .plus { return append(text: "0.0") }
    let text = number.description.utf8.span
    for index in text.indices { append(text[index]) }
  }

  private mutating func append(text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount { unsafe append(text.utf8Start[index]) }
  }
}

/// A cache of the texts of recent fractions. Shares of the few sessions of an hour repeat, and
/// their digits take longer to compute than a lookup.
private struct FractionTexts {
  /// The bits of the fractions by slot; empty until the first fraction.
  private var fractions: [UInt64] = []
  /// The length of the text and the text, by slot.
  private var texts: [UInt8] = []
  private static let places = 1024
  private static let stride = 1 + JSONWriter.numberBytesMax

  mutating func append(_ fraction: Double, to text: inout OutputSpan<UInt8>) {
    guard fraction.isFinite, fraction != 0, fraction != 1 else { return text.append(fraction) }
    if fractions.isEmpty {
      fractions = Array(repeating: 0, count: Self.places)
      texts = Array(repeating: 0, count: Self.places * Self.stride)
    }
    let bits = fraction.bitPattern
    // The upper bits of a product depend on all of the factor's (Knuth's multiplicative hashing).
    let place = Int(truncatingIfNeeded: (bits &* 0x9e37_79b9_7f4a_7c15) >> 54)
    let start = place * Self.stride
    if fractions[place] != bits {
      fractions[place] = bits
      let digits = fraction.description.utf8.span
      texts[start] = UInt8(digits.count)
      for index in digits.indices { texts[start + 1 + index] = digits[index] }
    }
    for index in 1...Int(texts[start]) { text.append(texts[start + index]) }
  }
}

extension JSONWriter {
  /// Writes a member of an object: the key, and the value that `value` writes.
  @inlinable
  package mutating func member(_ name: String, _ value: (inout JSONWriter) -> Void) {
    key(name)
    value(&self)
  }

  @inlinable
  package mutating func member(_ name: String, _ value: some JSONWritable) {
    key(name)
    value.write(to: &self)
  }

  /// Writes a member that is an object; `members` writes keys and values in turn.
  @inlinable
  package mutating func object(_ name: String, _ members: (inout JSONWriter) -> Void) {
    key(name)
    object(members)
  }

  /// Writes a member that is an array; `elements` writes the elements.
  @inlinable
  package mutating func array(_ name: String, _ elements: (inout JSONWriter) -> Void) {
    key(name)
    array(elements)
  }

  /// Writes a member whose value is an array of objects.
  package mutating func objects<Element>(
    _ name: String, of elements: [Element], _ members: (inout JSONWriter, Element) -> Void
  ) {
    array(name) { json in
      for element in elements { json.object { members(&$0, element) } }
    }
  }

  package mutating func optional(_ value: (some JSONWritable)?) { value.write(to: &self) }
}

/// A value with one JSON form; nil is null.
package protocol JSONWritable {
  func write(to json: inout JSONWriter)
}

extension String: JSONWritable {
  package func write(to json: inout JSONWriter) { json.value(self) }
}

extension Int64: JSONWritable {
  package func write(to json: inout JSONWriter) { json.value(self) }
}

extension UInt64: JSONWritable {
  package func write(to json: inout JSONWriter) { json.value(self) }
}

extension Int: JSONWritable {
  package func write(to json: inout JSONWriter) { json.value(self) }
}

extension Double: JSONWritable {
  package func write(to json: inout JSONWriter) { json.value(self) }
}

extension Bool: JSONWritable {
  package func write(to json: inout JSONWriter) { json.value(self) }
}

extension Optional: JSONWritable where Wrapped: JSONWritable {
  package func write(to json: inout JSONWriter) {
    if let self { self.write(to: &json) } else { json.null() }
  }
}

extension Array: JSONWritable where Element: JSONWritable {
  package func write(to json: inout JSONWriter) {
    json.array { json in for element in self { element.write(to: &json) } }
  }
}
