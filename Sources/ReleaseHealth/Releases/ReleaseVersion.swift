/// What the name of a release says: `package@version+build`, as Sentry's `sentry-release-parser`
/// 1.4 reads it.
///
/// Every name can be read; one of another form just says less. Whether a name may be used at all is
/// decided before.
package struct ReleaseVersion: Sendable {
  /// A semantic version with liberties: one to four numbers, which may have leading zeros.
  package struct Version: Hashable, Sendable {
    /// As written, but for numbers beyond 64 bits, which count as 0.
    package let major: UInt64
    /// 0 where it is missing, like the numbers after it.
    package let minor: UInt64
    package let patch: UInt64
    package let revision: UInt64
    /// How many numbers were written.
    package let components: Int
    /// Without the hyphen that introduces it: `rc.1` of `1.0-rc.1`, and also of `1.0rc.1`.
    package let prerelease: String?
    package let buildCode: String?
    /// All that stands before the build code, as written.
    package let rawShort: String
  }

  /// The name without white space around it.
  package let name: String
  /// nil where the name has no at sign that parts a package from a version.
  package let package: String?
  /// What follows the package, be it a version or not; without a package, the whole name.
  package let versionRaw: String
  /// nil without a package, and where ``versionRaw`` is a hash or no version.
  package let version: Version?
  /// The build code, or else ``versionRaw``, if it is a hash.
  package let buildHash: String?

  package init(_ text: String) {
    let name = Self.trimmed(text)
    let bytes = Array(name.utf8)
    self.name = name
    if let at = Self.atSign(in: bytes) {
      let raw = bytes[(at + 1)...]
      package = String(decoding: bytes[..<at], as: UTF8.self)
      versionRaw = String(decoding: raw, as: UTF8.self)
      var scanner = VersionScanner(raw)
      version = Self.isHash(raw) ? nil : scanner.scan()
    } else {
      package = nil
      versionRaw = name
      version = nil
    }
    buildHash = [version?.buildCode, versionRaw].compactMap(\.self).first {
      Self.isHash(Array($0.utf8)[...])
    }
  }

  /// For people: the version as written, with its build in parentheses and a hash cut to twelve
  /// digits; without a version the hash, or else the name.
  package var description: String {
    let shortHash = buildHash.map { String($0.prefix(12)) }
    guard let version else { return shortHash ?? name }
    guard let build = shortHash ?? version.buildCode else { return version.rawShort }
    return "\(version.rawShort) (\(build))"
  }

  /// The at sign that ends the package. The package may itself begin with one, as those of npm do,
  /// and neither it nor what follows may be empty.
  private static func atSign(in bytes: [UInt8]) -> Int? {
    let packageStart = bytes.first == UInt8(ascii: "@") ? 1 : 0
    guard let at = bytes[packageStart...].firstIndex(of: UInt8(ascii: "@")) else { return nil }
    return at > packageStart && at + 1 < bytes.count ? at : nil
  }

  /// Whether it has the length of a usual hash and hexadecimal digits only.
  private static func isHash(_ bytes: ArraySlice<UInt8>) -> Bool {
    [12, 16, 20, 32, 40, 64].contains(bytes.count)
      && bytes.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
          UInt8(ascii: "A")...UInt8(ascii: "F"):
          true
        default: false
        }
      }
  }

  /// White space is Unicode's, as in Rust's `trim`.
  private static func trimmed(_ text: String) -> String {
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
      let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
    else { return "" }
    return String(scalars[first...last])
  }
}

/// Reads a version from its first byte to its last. No step ever has to be taken back: the byte
/// that ends one part tells what the next one is.
private struct VersionScanner {
  private let bytes: ArraySlice<UInt8>
  private var index: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    index = bytes.startIndex
  }

  mutating func scan() -> ReleaseVersion.Version? {
    guard let numbers = scanNumbers() else { return nil }
    var prerelease: ArraySlice<UInt8>?
    // A lone number needs the hyphen: 1.0a1 and 1-a1 are versions, 1a1 is none.
    if next == UInt8(ascii: "-") || (numbers.count > 1 && next.map(Self.isLowercase) == true) {
      prerelease = scanPrerelease()
      if prerelease == nil { return nil }
    }
    let rawShort = bytes[..<index]
    var buildCode: ArraySlice<UInt8>?
    if skip(UInt8(ascii: "+")) {
      buildCode = scanBuildCode()
      if buildCode == nil { return nil }
    }
    guard index == bytes.endIndex else { return nil }

    let padded = numbers + [0, 0, 0]
    return ReleaseVersion.Version(
      major: padded[0], minor: padded[1], patch: padded[2], revision: padded[3],
      components: numbers.count,
      prerelease: prerelease.flatMap { $0.isEmpty ? nil : String(decoding: $0, as: UTF8.self) },
      buildCode: buildCode.map { String(decoding: $0, as: UTF8.self) },
      rawShort: String(decoding: rawShort, as: UTF8.self))
  }

  private mutating func scanNumbers() -> [UInt64]? {
    var numbers: [UInt64] = []
    repeat {
      let digits = take(while: Self.isDigit)
      if digits.isEmpty { return nil }
      numbers.append(UInt64(String(decoding: digits, as: UTF8.self)) ?? 0)
    } while numbers.count < 4 && skip(UInt8(ascii: "."))
    return numbers
  }

  /// Identifiers with points between them. A letter that introduces the prerelease belongs to it, a
  /// hyphen does not; what follows either up to the first point may be empty.
  private mutating func scanPrerelease() -> ArraySlice<UInt8>? {
    let start = next == UInt8(ascii: "-") ? index + 1 : index
    index += 1
    let first = take(while: Self.isIdentifierByte)
    guard first.isEmpty || Self.isIdentifier(first) else { return nil }
    while skip(UInt8(ascii: ".")) {
      guard Self.isIdentifier(take(while: Self.isIdentifierByte)) else { return nil }
    }
    return bytes[start..<index]
  }

  private mutating func scanBuildCode() -> ArraySlice<UInt8>? {
    let start = index
    repeat {
      if take(while: Self.isIdentifierByte).isEmpty { return nil }
    } while skip(UInt8(ascii: "."))
    return bytes[start..<index]
  }

  private var next: UInt8? { index < bytes.endIndex ? bytes[index] : nil }

  private mutating func skip(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    index += 1
    return true
  }

  private mutating func take(while condition: (UInt8) -> Bool) -> ArraySlice<UInt8> {
    let start = index
    while let byte = next, condition(byte) { index += 1 }
    return bytes[start..<index]
  }

  /// Semantic Versioning 2.0.0, item 9: not empty, and a number has no leading zeros.
  private static func isIdentifier(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard let first = bytes.first else { return false }
    return bytes.count == 1 || first != UInt8(ascii: "0") || !bytes.allSatisfy(isDigit)
  }

  private static func isIdentifierByte(_ byte: UInt8) -> Bool {
    isDigit(byte) || isLowercase(byte | 0x20) || byte == UInt8(ascii: "-")
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func isLowercase(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
  }
}
