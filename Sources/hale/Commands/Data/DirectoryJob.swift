import Access
import Alerting
import Ingest
import Locks
import Logging
import ReleaseHealth
import SQLiteStorage
import Service
import Storage

/// Runs a job once on a directory that no service runs on; it is locked. A job that fails is a
/// result that says so; an error is thrown where it could not even begin.
func runJobOnDirectory(
  _ name: Jobs.Name, dataDirectory: String, retentionDays: Int, notices: NoticeSettings,
  now: Timestamp
) throws -> JobRun {
  let store = try openStore(dataDirectory: dataDirectory, retentionDays: retentionDays)
  let clock = WallClock { now }
  let queue = IngestQueue(store: store, writes: store.writes)
  let catalog = try CatalogCache(store)
  let log = Logger(label: "hale", factory: { _ in SwiftLogNoOpLogHandler() })
  let jobs = Jobs(
    store: store, catalog: store, queue: queue,
    notices: NoticeSender(
      store: store, notices, catalog: catalog, clock: clock, webURL: nil,
      version: queue.version, log: log),
    clock: clock, monotonicMilliseconds: SystemClock.monotonicMilliseconds, log: log,
    alerts: AlertRunner(store: store, alerts: store, catalog: catalog, webURL: nil),
    workers: WorkQueue())
  let run = jobs.runToEnd(name)
  try store.close()
  return run
}
