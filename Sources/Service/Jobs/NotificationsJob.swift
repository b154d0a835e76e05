internal import Alerting
internal import Storage

/// Delivers the notifications that are due. It has a thread of its own, because it waits for other
/// machines and the writer must not.
struct NotificationsJob: PeriodicJob {
  let notices: NoticeSender

  func step() throws(StoreError) -> String? {
    try notices.runDue().summary
  }
}
