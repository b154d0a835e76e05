/// An `http://` or `https://` address, as public URLs and DSNs are.
struct WebAddress: Equatable, Sendable {
  /// `http` or `https`.
  var scheme: String
  /// The part before an `@`: the public key, in a DSN.
  var user: String?
  /// The host without brackets.
  var host: String
  /// The port; nil for the scheme's default.
  var port: UInt16?
  /// The path: empty, or with a leading slash and without a trailing one.
  var path: String

  init(scheme: String, user: String? = nil, host: String, port: UInt16?, path: String = "") {
    self.scheme = scheme
    self.user = user
    self.host = host
    self.port = port
    self.path = path
  }

  /// - Returns: nil where the text is not such an address, or has a query or a fragment.
  init?(_ text: String) {
    guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }),
      !text.contains(where: { "?#\"'<>\\^`{|}".contains($0) }),
      let schemeEnd = text.range(of: "://")
    else { return nil }
    let scheme = text[..<schemeEnd.lowerBound].lowercased()
    guard scheme == "http" || scheme == "https" else { return nil }
    let rest = text[schemeEnd.upperBound...]
    let pathStart = rest.firstIndex(of: "/") ?? rest.endIndex
    var authority = rest[..<pathStart]
    var user: String?
    if let at = authority.lastIndex(of: "@") {
      // Old DSNs have a secret key after a colon, which is not used any more.
      user = authority[..<at].split(separator: ":", omittingEmptySubsequences: false).first
        .map(String.init)
      authority = authority[authority.index(after: at)...]
    }
    var port: UInt16?
    if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
      guard let number = decimalPort(authority[authority.index(after: colon)...]), number > 0
      else { return nil }
      port = number
      authority = authority[..<colon]
    }
    guard let host = hostName(authority) else { return nil }
    var path = rest[pathStart...]
    while path.hasSuffix("/") { path = path.dropLast() }
    self.init(scheme: scheme, user: user, host: host, port: port, path: String(path))
  }

  /// The address for DSNs, which must not name a user.
  init?(publicURL text: String) {
    guard let address = WebAddress(text), address.user == nil else { return nil }
    self = address
  }

  /// The address of a service that is reached without a proxy.
  init(listening address: ListenAddress) {
    self.init(scheme: "http", host: address.host, port: address.port)
  }

  /// The port to connect to.
  var effectivePort: UInt16 { port ?? (scheme == "https" ? 443 : 80) }

  /// `HOST` or `HOST:PORT`, as in a Host header.
  var authority: String {
    bracketed(host) + (port.map { ":\($0)" } ?? "")
  }

  /// Scheme and authority: the address without user and path.
  var origin: String { "\(scheme)://\(authority)" }

  var text: String {
    "\(scheme)://\(user.map { "\($0)@" } ?? "")\(authority)\(path)"
  }
}

extension String {
  /// The first range of `other` in the text.
  fileprivate func range(of other: String) -> Range<Index>? {
    firstRange(of: other)
  }
}
