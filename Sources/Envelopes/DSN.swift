package import ReleaseHealth

/// What a DSN says about where to send: `https://KEY[:SECRET]@HOST[:PORT]/[PATH/]PROJECT`.
///
/// Host, port and path are not kept: behind tunnels and proxies they name someone else.
package struct DSN: Hashable, Sendable {
  /// 32 hexadecimal digits in lower case.
  package var publicKey: String
  package var projectID: ProjectID

  package init(publicKey: String, projectID: ProjectID) {
    self.publicKey = publicKey
    self.projectID = projectID
  }

  /// - Returns: nil when the text is no DSN, or its key or project are not of their form.
  package init?(_ text: String) {
    let scheme = text.utf8.prefix { $0 != UInt8(ascii: ":") }
    var rest = text.utf8[scheme.endIndex...]
    guard ["http", "https"].contains(String(Substring(scheme)).lowercased()),
      rest.starts(with: "://".utf8)
    else { return nil }
    rest = rest.dropFirst(3)
    let authority = rest.prefix { $0 != UInt8(ascii: "/") }
    guard let at = authority.lastIndex(of: UInt8(ascii: "@")),
      case let host = authority[at...].dropFirst(), !host.isEmpty
    else { return nil }
    let userinfo = authority[..<at]
    var path = rest[authority.endIndex...].prefix {
      $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
    }
    while path.last == UInt8(ascii: "/") { path.removeLast() }
    guard let slash = path.lastIndex(of: UInt8(ascii: "/")),
      case let digits = path[slash...].dropFirst(),
      digits.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains),
      let projectID = Int64(Substring(digits)),
      let publicKey = Self.canonicalKey(
        String(Substring(userinfo.prefix { $0 != UInt8(ascii: ":") })))
    else { return nil }
    self.init(publicKey: publicKey, projectID: ProjectID(rawValue: projectID))
  }

  /// The key in lower case; nil when it is not 32 hexadecimal digits.
  package static func canonicalKey(_ text: String) -> String? {
    let digits = text.utf8
    guard digits.count == 32, digits.allSatisfy({ $0.hexadecimalDigit < 16 }) else { return nil }
    return text.lowercased()
  }
}
