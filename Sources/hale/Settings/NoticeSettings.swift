import Bytes
import Alerting
import Glibc
import HTTP
import Outbound
import Service

/// The settings of outgoing notifications.
struct NoticeSettings: Sendable {
  var addresses: AddressPolicy
  /// The CA bundle for outgoing TLS; nil for the system's.
  var caFile: String?
  var mailServer: MailServer?
  var mailFrom: String?
  var commandDirectory: String?

  var clients: NotificationClients {
    NotificationClients(
      client: OutboundClient(addresses: addresses, caFile: caFile), addresses: addresses,
      mailServer: mailServer, mailFrom: mailFrom, commandDirectory: commandDirectory)
  }
}

/// Whether a file can be read.
func canRead(_ path: String) -> Bool {
  unsafe access(path, R_OK) == 0
}

extension MailServer {
  /// - Parameter url: `smtp://USER:PASSWORD@HOST:PORT`, where user and port are optional and
  ///   reserved characters are percent-encoded.
  /// - Returns: nil where the text is not such a URL.
  init?(url: String) {
    guard let parts = URLParts(url), [nil, "tls=none", "tls=required"].contains(parts.query),
      parts.fragment == nil, parts.path.isEmpty || parts.path == "/",
      case let scheme = parts.scheme.lowercased(), scheme == "smtp" || scheme == "smtps"
    else { return nil }
    var user: String?
    var password: String?
    if let names = parts.userinfo?.split(
      separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    {
      user = percentDecoded(String(names[0]), plusIsSpace: false)
      if names.count == 2 {
        password = percentDecoded(String(names[1]), plusIsSpace: false)
        if password == nil { return nil }
      }
      if user == nil { return nil }
    }
    // The rest is the authority of any URL.
    guard let address = WebAddress("http://\(parts.authority)")
    else { return nil }
    self.init(
      scheme: scheme, host: address.host, port: address.port.map { Int($0) }, user: user,
      password: password, requiresTLS: parts.query != "tls=none")
  }
}
