internal import Bytes
package import ReleaseHealth

/// The parts of a DSN that Hale uses: `https://KEY[:SECRET]@HOST[:PORT]/[PATH/]PROJECT`.
///
/// Host, port and path are ignored: behind tunnels and proxies they differ from the service's.
package struct DSN: Hashable, Sendable {
  /// 32 hexadecimal digits in lower case.
  package var publicKey: String
  package var projectID: ProjectID

  package init(publicKey: String, projectID: ProjectID) {
    self.publicKey = publicKey
    self.projectID = projectID
  }

  /// - Returns: nil when the text is not a DSN, or its key or project is malformed.
  package init?(_ text: String) {
    guard let url = URLParts(text), ["http", "https"].contains(url.scheme.lowercased()),
      let userinfo = url.userinfo, !url.host.isEmpty
    else { return nil }
    var path = url.path.utf8
    while path.last == UInt8(ascii: "/") { path.removeLast() }
    guard let slash = path.lastIndex(of: UInt8(ascii: "/")),
      let projectID = decimalNumber(Substring(path[slash...].dropFirst())).flatMap(
        Int64.init(exactly:)),
      let publicKey = Self.canonicalKey(
        String(Substring(userinfo.utf8.prefix { $0 != UInt8(ascii: ":") })))
    else { return nil }
    self.init(publicKey: publicKey, projectID: ProjectID(rawValue: projectID))
  }

  /// The key in lower case; nil when it is not 32 hexadecimal digits.
  package static func canonicalKey(_ text: String) -> String? {
    guard text.utf8.count == 32, let key = Hexadecimal.number(text.utf8.span) else { return nil }
    return Hexadecimal.text(key)
  }
}
