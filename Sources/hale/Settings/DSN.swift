import ReleaseHealth

/// A DSN: the public URL with a public key as its user and a project as its last path segment.
struct DSN: Equatable, Sendable {
  /// The address without user and project.
  var server: WebAddress
  var publicKey: String
  /// The project as it stands in the address; digits in a DSN of Hale.
  var project: String

  init(server: WebAddress, publicKey: String, project: ProjectID) {
    self.server = server
    self.publicKey = publicKey
    self.project = String(project.rawValue)
  }

  /// - Returns: nil where the text is not a DSN.
  init?(_ text: String) {
    guard var server = WebAddress(text), let key = server.user, !key.isEmpty,
      let slash = server.path.lastIndex(of: "/")
    else { return nil }
    let project = server.path[server.path.index(after: slash)...]
    guard !project.isEmpty else { return nil }
    server.user = nil
    server.path = String(server.path[..<slash])
    self.server = server
    self.publicKey = key
    self.project = String(project)
  }

  var text: String {
    var address = server
    address.user = publicKey
    address.path += "/\(project)"
    return address.text
  }

  /// The path that envelopes are posted to.
  var envelopePath: String { "\(server.path)/api/\(project)/envelope/" }
}
