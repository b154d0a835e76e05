/// Header fields: ordered, repeatable, found by name in any case (RFC 9110 §5).
///
/// The bytes are kept in one block, with ranges into it, so that taking over the head of a request
/// is one copy. A string is made only of a field that is asked for.
package struct Headers: Sendable {
  /// Where a field stands in the block.
  struct Field: Sendable {
    var nameStart: UInt32
    var nameEnd: UInt32
    var valueStart: UInt32
    var valueEnd: UInt32
  }

  /// What the ranges of ``find(_:)`` are ranges of. Of a request it is the whole head.
  package private(set) var block: [UInt8]
  private var fields: [Field]

  package init() {
    block = []
    fields = []
  }

  /// Takes over what the parser found.
  ///
  /// - Parameters:
  ///   - block: the bytes of the head.
  ///   - fields: valid ranges into it, names checked to be tokens, values already trimmed.
  init(block: [UInt8], fields: [Field]) {
    self.block = block
    self.fields = fields
  }

  /// Puts text that is no field into the block.
  mutating func keep(_ text: String) -> Range<Int> {
    let start = block.count
    block.append(contentsOf: text.utf8)
    return start..<block.count
  }

  /// How many fields there are.
  package var count: Int { fields.count }

  package var isEmpty: Bool { fields.isEmpty }

  /// The value of the first field of that name, without white space around it.
  package subscript(_ name: String) -> String? {
    fields.first { isNamed($0, name.utf8.span) }.map(value)
  }

  /// The values of all fields of that name, in the order sent.
  package func all(_ name: String) -> [String] {
    fields.filter { isNamed($0, name.utf8.span) }.map(value)
  }

  /// Whether there is a field of that name; makes no string.
  package func contains(_ name: String) -> Bool {
    find(name).count > 0
  }

  /// How many fields of that name there are, and where in the ``block`` the value of the first
  /// stands; makes no string.
  package func find(_ name: String) -> (count: Int, first: Range<Int>) {
    let name = name.utf8.span
    var count = 0
    var first = 0..<0
    for field in fields where isNamed(field, name) {
      if count == 0 { first = Int(field.valueStart)..<Int(field.valueEnd) }
      count += 1
    }
    return (count, first)
  }

  /// Adds a field behind the others.
  ///
  /// Control characters in the value become spaces: whatever text a handler passes on, it cannot
  /// begin another header line or end the head (RFC 9110 §5.5).
  ///
  /// - Parameter name: a token; anything else is an error of the programmer.
  package mutating func add(_ name: String, _ value: String) {
    precondition(!name.isEmpty && name.utf8.allSatisfy(isToken), "A field name is a token.")
    let nameStart = UInt32(block.count)
    block.append(contentsOf: name.utf8)
    let nameEnd = UInt32(block.count)
    var bytes = value.utf8.map { isFieldText($0) ? $0 : UInt8(ascii: " ") }[...]
    while let first = bytes.first, isOptionalWhiteSpace(first) { bytes.removeFirst() }
    while let last = bytes.last, isOptionalWhiteSpace(last) { bytes.removeLast() }
    block.append(contentsOf: bytes)
    fields.append(
      Field(
        nameStart: nameStart, nameEnd: nameEnd,
        valueStart: nameEnd, valueEnd: UInt32(block.count)))
  }

  /// Appends the fields as header lines, but for those that the writer decides about.
  func write(to output: inout [UInt8], omitting isOmitted: (Span<UInt8>) -> Bool) {
    for field in fields {
      let name = block[Int(field.nameStart)..<Int(field.nameEnd)]
      if isOmitted(name.span) { continue }
      output.append(contentsOf: name)
      output.append(UInt8(ascii: ":"))
      output.append(UInt8(ascii: " "))
      output.append(contentsOf: block[Int(field.valueStart)..<Int(field.valueEnd)])
      output.append(UInt8(ascii: "\r"))
      output.append(UInt8(ascii: "\n"))
    }
  }

  @inline(__always)
  private func isNamed(_ field: Field, _ name: Span<UInt8>) -> Bool {
    let range = Int(field.nameStart)..<Int(field.nameEnd)
    return range.count == name.count && isSameName(block.span.extracting(range), name)
  }

  // Bytes beyond ASCII are opaque (RFC 9110 §5.5); those that are no UTF-8 are repaired, since an
  // API by string cannot hold them and no field that matters here has any.
  private func value(_ field: Field) -> String {
    String(decoding: block[Int(field.valueStart)..<Int(field.valueEnd)], as: UTF8.self)
  }
}

extension Headers: Sequence {
  package struct Iterator: IteratorProtocol {
    fileprivate let headers: Headers
    fileprivate var index = 0

    package mutating func next() -> (name: String, value: String)? {
      guard index < headers.fields.count else { return nil }
      let field = headers.fields[index]
      index += 1
      let name = headers.block[Int(field.nameStart)..<Int(field.nameEnd)]
      return (String(decoding: name, as: UTF8.self), headers.value(field))
    }
  }

  package func makeIterator() -> Iterator {
    Iterator(headers: self)
  }

  package var underestimatedCount: Int { count }
}

extension Headers: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (String, String)...) {
    self.init()
    for (name, value) in elements { add(name, value) }
  }
}

extension Headers: Equatable {
  /// The same fields in the same order; names in any case.
  package static func == (left: Headers, right: Headers) -> Bool {
    left.count == right.count
      && zip(left, right).allSatisfy {
        $0.name.lowercased() == $1.name.lowercased() && $0.value == $1.value
      }
  }
}

/// Whether the bytes spell the name, in any case. Both must be tokens.
func isSameName(_ bytes: Span<UInt8>, _ name: Span<UInt8>) -> Bool {
  guard bytes.count == name.count else { return false }
  for index in bytes.indices where lowercased(bytes[index]) != lowercased(name[index]) {
    return false
  }
  return true
}

/// Whether the bytes spell the name, in any case. Both must be tokens.
func isSameName(_ bytes: Span<UInt8>, _ name: String) -> Bool {
  isSameName(bytes, name.utf8.span)
}

/// The small letter of a capital one in ASCII, any other byte as it is.
@inline(__always)
func lowercased(_ byte: UInt8) -> UInt8 {
  byte &- 0x41 < 26 ? byte | 0x20 : byte
}

/// Whether the byte may stand in a token: a method or a field name (RFC 9110 §5.6.2).
@inline(__always)
func isToken(_ byte: UInt8) -> Bool {
  // One bit a character: ! # $ % & ' * + - . digits, then letters ^ _ ` | ~.
  let low: UInt64 = 0x03ff_6cfa_0000_0000
  let high: UInt64 = 0x57ff_ffff_c7ff_fffe
  if byte < 64 { return low >> UInt64(byte) & 1 == 1 }
  return byte < 128 && high >> UInt64(byte &- 64) & 1 == 1
}

/// Whether the byte may stand in a field value (RFC 9110 §5.5): no control character but the tab.
@inline(__always)
func isFieldText(_ byte: UInt8) -> Bool {
  byte >= 0x20 ? byte != 0x7f : byte == 0x09
}

/// Space and tab (RFC 9110 §5.6.3).
@inline(__always)
func isOptionalWhiteSpace(_ byte: UInt8) -> Bool {
  byte == 0x20 || byte == 0x09
}
