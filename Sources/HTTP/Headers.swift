/// Header fields: ordered, repeatable, found by name in any case (RFC 9110 §5).
///
/// The bytes are in one block with ranges into it, so that storing the head of a request is one
/// copy. Strings are created only for fields that are read.
package struct Headers: Sendable {
  /// The ranges of a field in the block.
  struct Field: Sendable {
    var nameStart: UInt32
    var nameEnd: UInt32
    var valueStart: UInt32
    var valueEnd: UInt32
  }

  /// The bytes that the ranges of ``find(_:)`` refer to; for a request the whole head.
  package private(set) var block: [UInt8]
  private var fields: [Field]

  package init() {
    block = []
    fields = []
  }

  /// - Parameter fields: valid ranges into the block: names are tokens, and values are trimmed.
  init(block: [UInt8], fields: [Field]) {
    self.block = block
    self.fields = fields
  }

  /// Appends text to the block that is not a field.
  mutating func keep(_ text: String) -> Range<Int> {
    let start = block.count
    block.append(contentsOf: text.utf8)
    return start..<block.count
  }

  /// The number of fields.
  package var count: Int { fields.count }

  /// The value of the first field of that name, without surrounding white space.
  package subscript(_ name: String) -> String? {
    fields.first { isNamed($0, name.utf8.span) }.map(value)
  }

  /// The values of all fields of that name, in the order sent.
  package func all(_ name: String) -> [String] {
    fields.filter { isNamed($0, name.utf8.span) }.map(value)
  }

  /// Whether there is a field of that name; it creates no string.
  package func contains(_ name: String) -> Bool {
    find(name).count > 0
  }

  /// The number of fields of that name, and the range of the first one's value in the ``block``; it
  /// creates no string.
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

  /// Appends a field.
  ///
  /// Control characters in the value become spaces, so that no text of a handler can start another
  /// header line or end the head (RFC 9110 §5.5).
  ///
  /// - Parameter name: a token; anything else is a programming error.
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

  /// Appends the fields as header lines, except for those that the writer adds.
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

  // Bytes beyond ASCII are opaque (RFC 9110 §5.5). Invalid UTF-8 is repaired, since strings cannot
  // hold it and no field that is used here has any.
  private func value(_ field: Field) -> String {
    String(decoding: block[Int(field.valueStart)..<Int(field.valueEnd)], as: UTF8.self)
  }
}

extension Headers: Sequence {
  package func makeIterator() -> some IteratorProtocol<(name: String, value: String)> {
    fields.lazy.map { field in
      let name = block[Int(field.nameStart)..<Int(field.nameEnd)]
      return (name: String(decoding: name, as: UTF8.self), value: value(field))
    }.makeIterator()
  }
}

extension Headers: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (String, String)...) {
    self.init()
    for (name, value) in elements { add(name, value) }
  }
}

extension Headers: Equatable {
  /// Whether both have the same fields in the same order; names are case-insensitive.
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

/// The lower-case form of an ASCII letter; any other byte is unchanged.
@inline(__always)
func lowercased(_ byte: UInt8) -> UInt8 {
  byte &- 0x41 < 26 ? byte | 0x20 : byte
}

/// Whether the byte is valid in a token: a method or a field name (RFC 9110 §5.6.2).
@inline(__always)
package func isToken(_ byte: UInt8) -> Bool {
  // One bit per character: ! # $ % & ' * + - . digits, then letters ^ _ ` | ~.
  let low: UInt64 = 0x03ff_6cfa_0000_0000
  let high: UInt64 = 0x57ff_ffff_c7ff_fffe
  if byte < 64 { return low >> UInt64(byte) & 1 == 1 }
  return byte < 128 && high >> UInt64(byte &- 64) & 1 == 1
}

/// Whether the byte is valid in a field value (RFC 9110 §5.5): no control character but the tab.
@inline(__always)
func isFieldText(_ byte: UInt8) -> Bool {
  byte >= 0x20 ? byte != 0x7f : byte == 0x09
}

/// Whether the byte is a space or tab (RFC 9110 §5.6.3).
@inline(__always)
func isOptionalWhiteSpace(_ byte: UInt8) -> Bool {
  byte == 0x20 || byte == 0x09
}
