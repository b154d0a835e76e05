/// The parts of an absolute URL as they stand in the text (RFC 3986 §3): cut, but neither decoded
/// nor checked.
package struct URLParts: Sendable {
  package let scheme: Substring
  /// What stands before the host's `@`.
  package let userinfo: Substring?
  /// An IPv6 address stands in its brackets. May be empty.
  package let host: Substring
  package let port: Substring?
  package let path: Substring
  package let query: Substring?
  package let fragment: Substring?

  /// - Returns: nil where the text has no scheme with `://`, or a bracket of its host does not
  ///   close.
  package init?(_ text: String) {
    let scheme = text.utf8.prefix { $0 != UInt8(ascii: ":") }
    let behind = text.utf8[scheme.endIndex...]
    guard !scheme.isEmpty, behind.starts(with: "://".utf8) else { return nil }
    let rest = behind.dropFirst(3)
    var authority = rest.prefix { !"/?#".utf8.contains($0) }
    let target = rest[authority.endIndex...]
    var userinfo: Substring?
    if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
      userinfo = Substring(authority[..<at])
      authority = authority[at...].dropFirst()
    }
    var hostEnd = authority.lastIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
    if authority.first == UInt8(ascii: "[") {
      guard let bracket = authority.firstIndex(of: UInt8(ascii: "]")) else { return nil }
      hostEnd = authority.index(after: bracket)
    }
    let port = authority[hostEnd...]
    guard port.isEmpty || port.first == UInt8(ascii: ":") else { return nil }
    let path = target.prefix { !"?#".utf8.contains($0) }
    let query = target[path.endIndex...].prefix { $0 != UInt8(ascii: "#") }
    let fragment = target[query.endIndex...]

    self.scheme = Substring(scheme)
    self.userinfo = userinfo
    self.host = Substring(authority[..<hostEnd])
    self.port = port.isEmpty ? nil : Substring(port.dropFirst())
    self.path = Substring(path)
    self.query = query.isEmpty ? nil : Substring(query.dropFirst())
    self.fragment = fragment.isEmpty ? nil : Substring(fragment.dropFirst())
  }

  /// The host, with its port where there is one.
  package var authority: String { port.map { "\(host):\($0)" } ?? String(host) }
}
