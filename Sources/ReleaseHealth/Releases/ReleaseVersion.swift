/// The parsed name of a release: `package@version+build`, as Sentry's `sentry-release-parser` 1.4
/// reads it.
///
/// Every name can be parsed; a name of another form has fewer parts. Names are validated before.
package struct ReleaseVersion: Sendable {
  /// A lenient semantic version: one to four numbers, which may have leading zeros.
  package struct Version: Hashable, Sendable {
    /// The major number.
    package let major: VersionNumber
    /// The minor number; 0 if missing, like the numbers after it.
    package let minor: VersionNumber
    package let patch: VersionNumber
    package let revision: VersionNumber
    /// The number of components in the text.
    package let components: Int
    /// The prerelease without its hyphen: `rc.1` in `1.0-rc.1`, and also in `1.0rc.1`.
    package let prerelease: String?
    package let buildCode: String?
    /// The text before the build code.
    package let rawShort: String
  }

  /// The name without surrounding white space.
  package let name: String
  /// The package; nil without an at sign between a package and a version.
  package let package: String?
  /// The text after the package, whether or not it is a version; without a package, the whole name.
  package let versionRaw: String
  /// The version; nil without a package, and if ``versionRaw`` is a hash or not a version.
  package let version: Version?
  /// The build code; without one, ``versionRaw`` if it is a hash.
  package let buildHash: String?

  /// - Parameter takesHashes: whether a text with the length of a hash is one; false where only a
  ///   version can be meant.
  package init(_ text: String, takesHashes: Bool = true) {
    let name = Self.trimmed(text)
    let bytes = Array(name.utf8)
    self.name = name
    if let at = Self.atSign(in: bytes) {
      let raw = bytes[(at + 1)...]
      package = String(decoding: bytes[..<at], as: UTF8.self)
      versionRaw = String(decoding: raw, as: UTF8.self)
      var scanner = VersionScanner(raw)
      version = takesHashes && Self.isHash(raw) ? nil : scanner.scan()
    } else {
      package = nil
      versionRaw = name
      version = nil
    }
    buildHash = [version?.buildCode, versionRaw].compactMap(\.self).first {
      Self.isHash(Array($0.utf8)[...])
    }
  }

  /// A description for people: the version as written with its build in parentheses; without a
  /// version the hash, cut to twelve digits, or else the name.
  package var description: String {
    let shortHash = buildHash.map { String($0.prefix(12)) }
    guard let version else { return shortHash ?? name }
    guard let build = shortHash ?? version.buildCode else { return version.rawShort }
    return "\(version.rawShort) (\(build))"
  }

  /// The at sign that ends the package. The package may begin with one, as in npm, and neither it
  /// nor the text after it may be empty.
  private static func atSign(in bytes: [UInt8]) -> Int? {
    let packageStart = bytes.first == UInt8(ascii: "@") ? 1 : 0
    guard let at = bytes[packageStart...].firstIndex(of: UInt8(ascii: "@")) else { return nil }
    return at > packageStart && at + 1 < bytes.count ? at : nil
  }

  /// Whether the text has the length of a common hash and hexadecimal digits only.
  private static func isHash(_ bytes: ArraySlice<UInt8>) -> Bool {
    [12, 16, 20, 32, 40, 64].contains(bytes.count)
      && bytes.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0 | 0x20) }
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

/// Parses a version without backtracking: the byte that ends a part determines the next part.
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
    // A single number needs the hyphen: 1.0a1 and 1-a1 are versions, 1a1 is not.
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

    let padded: [VersionNumber] = numbers + [0, 0, 0]
    return ReleaseVersion.Version(
      major: padded[0], minor: padded[1], patch: padded[2], revision: padded[3],
      components: numbers.count,
      prerelease: prerelease.flatMap { $0.isEmpty ? nil : String(decoding: $0, as: UTF8.self) },
      buildCode: buildCode.map { String(decoding: $0, as: UTF8.self) },
      rawShort: String(decoding: rawShort, as: UTF8.self))
  }

  private mutating func scanNumbers() -> [VersionNumber]? {
    var numbers: [VersionNumber] = []
    repeat {
      guard let number = VersionNumber(take(while: Self.isDigit)) else { return nil }
      numbers.append(number)
    } while numbers.count < 4 && skip(UInt8(ascii: "."))
    return numbers
  }

  /// Identifiers separated by dots. A letter that introduces the prerelease belongs to it, a hyphen
  /// does not; the text after either up to the first dot may be empty.
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
