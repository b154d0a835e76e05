/// What a release's name says: `package@version+build`, as Sentry's `sentry-release-parser` reads
/// it. Names that follow no such form are fine; they just say less.
package struct ReleaseVersion: Equatable, Sendable {
  /// A version that follows the form of semantic versions, with up to four numbers.
  package struct Parsed: Equatable, Sendable {
    /// One to four numbers, as written. Numbers too large to count with stand for 0, as in Sentry.
    package var numbers: [UInt64]
    /// How many numbers were written.
    package var components: Int
    /// Without the hyphen that may introduce it.
    package var prerelease: String?
    package var buildCode: String?

    package var major: UInt64 { numbers[0] }
    package var minor: UInt64 { number(1) }
    package var patch: UInt64 { number(2) }
    package var revision: UInt64 { number(3) }

    private func number(_ index: Int) -> UInt64 {
      index < numbers.count ? numbers[index] : 0
    }

    /// The numbers as they were written, joined by points.
    fileprivate var text: String
  }

  /// The name without white space around it.
  package let name: String
  package let package: String?
  /// What follows the package.
  package let raw: String
  /// nil when `raw` is a hash, or no version, or there is no package before it.
  package let version: Parsed?

  package init(_ name: String) {
    let bytes = Self.trimmed(Array(name.utf8))
    self.name = String(decoding: bytes, as: UTF8.self)
    // The package may begin with an at sign, as npm's do.
    guard
      let at = bytes.dropFirst().firstIndex(of: UInt8(ascii: "@")), at + 1 < bytes.count,
      !(bytes[0] == UInt8(ascii: "@") && at == 1)
    else {
      package = nil
      raw = self.name
      version = nil
      return
    }
    let rest = Array(bytes[(at + 1)...])
    package = String(decoding: bytes[..<at], as: UTF8.self)
    raw = String(decoding: rest, as: UTF8.self)
    version = Self.isBuildHash(rest) ? nil : Self.parse(rest)
  }

  /// The hash that a build code or the whole version is.
  package var buildHash: String? {
    if let code = version?.buildCode, Self.isBuildHash(Array(code.utf8)) { return code }
    return Self.isBuildHash(Array(raw.utf8)) ? raw : nil
  }

  /// For people: the version with its build in parentheses, a hash cut to twelve digits, or the
  /// name as it is.
  package var description: String {
    let hash = buildHash.map { String($0.prefix(12)) }
    guard let version else { return hash ?? name }
    let build = (hash ?? version.buildCode).map { " (\($0))" } ?? ""
    return version.text + (version.prerelease.map { "-\($0)" } ?? "") + build
  }

  /// Sentry's `shortVersion`: without a dotted prefix like `com.example.app-`, a commit cut to
  /// twelve digits.
  package var short: String {
    let bytes = Array(name.utf8)
    let rest = Array(bytes[Self.dottedPrefixEnd(of: bytes)...])
    let isCommit = rest.count == 40 && rest.allSatisfy { Self.isLowerHex($0) }
    return String(decoding: isCommit ? Array(rest.prefix(12)) : rest, as: UTF8.self)
  }

  // MARK: Parsing

  private static func parse(_ bytes: [UInt8]) -> Parsed? {
    var index = 0
    var numbers: [UInt64] = []
    var text: [String] = []
    func take(while condition: (UInt8) -> Bool) -> ArraySlice<UInt8> {
      let start = index
      while index < bytes.count, condition(bytes[index]) { index += 1 }
      return bytes[start..<index]
    }
    repeat {
      if !numbers.isEmpty { index += 1 }
      let digits = take(while: isDigit)
      if digits.isEmpty { return nil }
      let number = String(decoding: digits, as: UTF8.self)
      numbers.append(UInt64(number) ?? 0)
      text.append(number)
    } while numbers.count < 4 && index < bytes.count && bytes[index] == UInt8(ascii: ".")

    var prerelease: String?
    if index < bytes.count, bytes[index] == UInt8(ascii: "-") || isLowerLetter(bytes[index]) {
      let start = bytes[index] == UInt8(ascii: "-") ? index + 1 : index
      index += 1
      guard isIdentifier(take(while: isIdentifierByte), mayBeEmpty: true) else { return nil }
      while index < bytes.count, bytes[index] == UInt8(ascii: ".") {
        index += 1
        guard isIdentifier(take(while: isIdentifierByte), mayBeEmpty: false) else { return nil }
      }
      prerelease = start < index ? String(decoding: bytes[start..<index], as: UTF8.self) : nil
    }

    var buildCode: String?
    if index < bytes.count, bytes[index] == UInt8(ascii: "+") {
      let start = index + 1
      repeat {
        index += 1
        if take(while: isIdentifierByte).isEmpty { return nil }
      } while index < bytes.count && bytes[index] == UInt8(ascii: ".")
      buildCode = String(decoding: bytes[start..<index], as: UTF8.self)
    }
    guard index == bytes.count else { return nil }
    return Parsed(
      numbers: numbers, components: numbers.count, prerelease: prerelease, buildCode: buildCode,
      text: text.joined(separator: "."))
  }

  /// Semantic versions: a number without leading zeros, or something with a letter or hyphen.
  private static func isIdentifier(_ bytes: ArraySlice<UInt8>, mayBeEmpty: Bool) -> Bool {
    guard let first = bytes.first else { return mayBeEmpty }
    return !bytes.allSatisfy(isDigit) || bytes.count == 1 || first != UInt8(ascii: "0")
  }

  private static func isBuildHash(_ bytes: [UInt8]) -> Bool {
    [12, 16, 20, 32, 40, 64].contains(bytes.count)
      && bytes.allSatisfy { isLowerHex($0) || (UInt8(ascii: "A")...UInt8(ascii: "F")).contains($0) }
  }

  /// Where the name goes on behind two or more words joined by points and a hyphen.
  private static func dottedPrefixEnd(of bytes: [UInt8]) -> Int {
    // The last hyphen that ends such a prefix counts: words may hold hyphens.
    for end in bytes.indices.reversed() where bytes[end] == UInt8(ascii: "-") {
      let words = bytes[..<end].split(
        separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      let areWords = words.allSatisfy { word in
        word.count >= 2 && isLetter(word[word.startIndex]) && word.allSatisfy(isIdentifierByte)
      }
      if words.count >= 2, areWords { return end + 1 }
    }
    return 0
  }

  private static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
    let isBlank: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0d).contains($0) }
    return bytes.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func isLowerLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
  }

  private static func isLetter(_ byte: UInt8) -> Bool { isLowerLetter(byte | 0x20) }

  private static func isLowerHex(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }

  private static func isIdentifierByte(_ byte: UInt8) -> Bool {
    isDigit(byte) || isLetter(byte) || byte == UInt8(ascii: "-")
  }
}

extension ReleaseVersion {
  /// Whether `left` stands above `right` in a list sorted by version: the higher version first, a
  /// final one above its prereleases, and what is no version last. nil when neither does.
  ///
  /// Prereleases are compared as text, as Sentry's database does it.
  package static func isHigher(_ left: ReleaseVersion, than right: ReleaseVersion) -> Bool? {
    guard let ours = left.version, let theirs = right.version else {
      return (left.version == nil) == (right.version == nil) ? nil : left.version != nil
    }
    for (one, other) in [
      (ours.major, theirs.major), (ours.minor, theirs.minor), (ours.patch, theirs.patch),
      (ours.revision, theirs.revision),
    ] where one != other {
      return one > other
    }
    let (one, other) = (ours.prerelease, theirs.prerelease)
    if one == other { return nil }
    guard let one, let other else { return one == nil }
    return one > other
  }

  /// The build code as a number; nil when it is none.
  package var buildNumber: UInt64? { version?.buildCode.flatMap { UInt64($0) } }
}
