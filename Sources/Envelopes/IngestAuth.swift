internal import Bytes

/// Finds the public key of a request, by the rules of Relay
/// (`relay-server/src/extractors/request_meta.rs`) and the grammar of `sentry-types/src/auth.rs`.
package enum IngestAuth {
  /// - Parameters:
  ///   - sentryAuth: the values of `X-Sentry-Auth`.
  ///   - authorization: the values of `Authorization`.
  ///   - query: the query of the target, still encoded.
  /// - Returns: 32 hexadecimal digits in lower case; nil when the request has no key, in which case
  ///   the envelope's header may have a ``DSN``.
  package static func find(
    sentryAuth: [String], authorization: [String], query: String?
  ) throws(IngestAuthError) -> String? {
    var claim: Claim?
    // Even two equal ones are refused: proxies and logs may read either.
    for value in sentryAuth + authorization {
      let bytes = value.utf8.span
      guard bytes.hasPrefix("sentry ") else { continue }
      if claim != nil { throw .multiple }
      claim = try Claim(header: bytes.extracting(7...))
    }
    for value in authorization {
      // Basic credentials that cannot be decoded are not for Hale.
      let bytes = value.utf8.span
      guard bytes.hasPrefix("basic "), let key = basicUser(bytes.extracting(6...)) else {
        continue
      }
      if claim != nil { throw .multiple }
      claim = Claim(key: key)
    }
    if let query, query.utf8.span.contains("sentry_") {
      if claim != nil { throw .multiple }
      claim = try Claim(query: query.utf8.span)
    }
    guard let claim else { return nil }

    // Flags may follow the key; Relay knows `no-cache`.
    let key = claim.key.utf8.prefix { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: ".") }
    guard let publicKey = DSN.canonicalKey(String(Substring(key))) else { throw .invalidKey }
    if claim.version > EnvelopeLimits.protocolVersionMax {
      throw .unsupportedVersion(claim.version)
    }
    return publicKey
  }

  /// The user of `Basic` credentials (RFC 7617): the text before the colon.
  private static func basicUser(_ encoded: Span<UInt8>) -> String? {
    guard let decoded = Base64.decode(encoded),
      let colon = decoded.firstIndex(of: UInt8(ascii: ":")),
      colon > 0
    else { return nil }
    return String(validating: decoded[..<colon], as: UTF8.self)
  }
}

/// The reason for which the authentication of a request is rejected.
package enum IngestAuthError: Error, Hashable, Sendable {
  /// More than one source has a key.
  case multiple
  /// The header or the query has no key.
  case missingKey
  /// The version is not a number.
  case invalidVersion
  /// The key is not 32 hexadecimal digits.
  case invalidKey
  /// The version is newer than ``EnvelopeLimits/protocolVersionMax``.
  case unsupportedVersion(UInt16)

  /// The status to answer with.
  package var status: Int {
    switch self {
    case .multiple, .missingKey, .invalidVersion: 401
    case .invalidKey, .unsupportedVersion: 400
    }
  }

  /// The sentence for people: Relay's.
  package var detail: String {
    switch self {
    case .multiple: "multiple authorization payloads detected"
    case .missingKey, .invalidVersion: "bad x-sentry-auth header"
    case .invalidKey: "bad sentry DSN public key"
    case .unsupportedVersion(let version): "unsupported protocol version (\(version))"
    }
  }

  /// The causes of the error.
  package var causes: [String] {
    switch self {
    case .missingKey: ["missing public key"]
    case .invalidVersion: ["invalid value for version"]
    case .invalidKey: ["invalid project key"]
    case .multiple, .unsupportedVersion: []
    }
  }
}

/// The credentials of one source.
private struct Claim {
  var key = ""
  var version = EnvelopeLimits.protocolVersionMax

  init(key: String) {
    self.key = key
  }

  /// Pairs with `=`, separated by commas; white space around keys and values does not count.
  init(header: Span<UInt8>) throws(IngestAuthError) {
    var rest = 0..<header.count
    while let item = header.nextPart(&rest, until: UInt8(ascii: ",")) {
      var value = item
      guard let name = header.nextPart(&value, until: UInt8(ascii: "=")), name != item,
        let field = Field(header.extracting(header.trimmed(name)))
      else { continue }
      // Text after a second equals sign is not part of the value.
      let text = header.nextPart(&value, until: UInt8(ascii: "=")) ?? value
      try set(field, String(copying: header.extracting(header.trimmed(text))))
    }
    if key.isEmpty { throw .missingKey }
  }

  /// `application/x-www-form-urlencoded`.
  init(query: Span<UInt8>) throws(IngestAuthError) {
    var rest = 0..<query.count
    while let item = query.nextPart(&rest, until: UInt8(ascii: "&")) {
      var value = item
      guard let name = query.nextPart(&value, until: UInt8(ascii: "=")) else { continue }
      let decoded = query.extracting(name).formDecoded()
      guard let field = Field(decoded.span) else { continue }
      try set(field, String(decoding: query.extracting(value).formDecoded(), as: UTF8.self))
    }
    if key.isEmpty { throw .missingKey }
  }

  private enum Field {
    case key, version

    init?(_ name: Span<UInt8>) {
      switch true {
      case name.equals("sentry_key"): self = .key
      case name.equals("sentry_version"): self = .version
      default: return nil
      }
    }
  }

  private mutating func set(_ field: Field, _ value: String) throws(IngestAuthError) {
    switch field {
    case .key: key = value
    case .version:
      guard let version = UInt16(Substring(value.utf8.prefix { $0 != UInt8(ascii: ".") })) else {
        throw .invalidVersion
      }
      self.version = version
    }
  }
}

extension Span<UInt8> {
  /// Whether the bytes begin with a prefix, ignoring case; the prefix is given in lower case.
  fileprivate func hasPrefix(_ prefix: StaticString) -> Bool {
    let length = prefix.utf8CodeUnitCount
    guard count >= length else { return false }
    for index in 0..<length {
      let byte = self[index]
      let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
      if unsafe (isUpper ? byte | 0x20 : byte) != prefix.utf8Start[index] { return false }
    }
    return true
  }

  fileprivate func contains(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    guard count >= length else { return false }
    return (0...count - length).contains { extracting($0..<$0 + length).equals(text) }
  }

  /// Cuts the part before a separator, and the separator, off `rest`; nil when `rest` is empty.
  fileprivate func nextPart(_ rest: inout Range<Int>, until separator: UInt8) -> Range<Int>? {
    guard !rest.isEmpty else { return nil }
    var end = rest.lowerBound
    while end < rest.upperBound, self[end] != separator { end += 1 }
    let part = rest.lowerBound..<end
    rest = Swift.min(end + 1, rest.upperBound)..<rest.upperBound
    return part
  }

  fileprivate func trimmed(_ range: Range<Int>) -> Range<Int> {
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, self[start].isWhitespace { start += 1 }
    while end > start, self[end - 1].isWhitespace { end -= 1 }
    return start..<end
  }

  /// Decodes percent-encoding and `+`.
  fileprivate func formDecoded() -> [UInt8] {
    percentDecoded(self, plusIsSpace: true, keepsBroken: true) ?? []
  }
}
