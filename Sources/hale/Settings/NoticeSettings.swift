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

  var outlets: NoticeOutlets {
    NoticeOutlets(
      outlet: OutboundClient(addresses: addresses, caFile: caFile), addresses: addresses,
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
    let parts = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 1 || parts[1] == "tls=none" || parts[1] == "tls=required",
      let schemeEnd = parts[0].firstRange(of: "://")
    else { return nil }
    let scheme = parts[0][..<schemeEnd.lowerBound].lowercased()
    guard scheme == "smtp" || scheme == "smtps" else { return nil }
    var rest = parts[0][schemeEnd.upperBound...]
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    var user: String?
    var password: String?
    if let at = rest.lastIndex(of: "@") {
      let names = rest[..<at].split(
        separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      user = percentDecoded(String(names[0]), plusIsSpace: false)
      if names.count == 2 {
        password = percentDecoded(String(names[1]), plusIsSpace: false)
        if password == nil { return nil }
      }
      if user == nil { return nil }
      rest = rest[rest.index(after: at)...]
    }
    // The rest is the authority of any URL.
    guard let address = WebAddress("http://\(rest)"), address.user == nil, address.path.isEmpty
    else { return nil }
    self.init(
      scheme: scheme, host: address.host, port: address.port.map { Int($0) }, user: user,
      password: password, requiresTLS: parts.count == 1 || parts[1] == "tls=required")
  }
}
