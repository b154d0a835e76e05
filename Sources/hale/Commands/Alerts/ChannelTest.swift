import Access
import Alerting
import Locks
import Logging
import ReleaseHealth
import SQLiteStorage
import Storage

/// Sends a test through a channel of a directory, whether a service runs on it or not.
func testChannel(
  _ channel: NoticeChannel, dataDirectory: String, _ settings: Settings, now: Timestamp
) throws -> NoticeRecord {
  let store = try openStore(dataDirectory: dataDirectory, ownsSessions: false)
  let sender = NoticeSender(
    store: store, settings.notices, catalog: try CatalogCache(store), clock: WallClock { now },
    webURL: settings.publicURL?.text, version: DataVersion(),
    log: Logger(label: "hale", factory: { _ in SwiftLogNoOpLogHandler() }))
  guard let record = try sender.test(channel) else {
    preconditionFailure("A new sender is not busy.")
  }
  try store.close()
  return record
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
