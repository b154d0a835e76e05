import Access
import Alerting
import Bytes
import Ingest
import Locks
import Logging
import Outbound
import Storage

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

extension NoticeSender {
  /// Sends as the settings say, on threads of this process.
  convenience init(
    store: any NoticeStore, _ settings: NoticeSettings, catalog: CatalogCache, clock: WallClock,
    webURL: String?, version: DataVersion, log: Logger
  ) {
    self.init(
      store: store, clients: settings.clients, catalog: catalog, clock: clock,
      random: { UInt128.random(in: .min ... .max) }, webURL: webURL, changed: { version.grow() },
      startThread: ServiceThreads.startLane, log: log)
  }
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
    let encoded =
      parts.userinfo?.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false) ?? []
    let names = encoded.compactMap { percentDecoded(String($0), plusIsSpace: false) }
    // The rest is the authority of any URL.
    guard names.count == encoded.count, let address = WebAddress("http://\(parts.authority)")
    else { return nil }
    self.init(
      scheme: scheme, host: address.host, port: address.port.map { Int($0) }, user: names.first,
      password: names.count == 2 ? names[1] : nil, requiresTLS: parts.query != "tls=none")
  }
}
