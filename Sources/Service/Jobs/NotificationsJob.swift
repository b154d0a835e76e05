internal import Alerting
internal import Storage

/// Delivers the notifications that are due. It waits for other machines, which the writer does not:
/// it has a thread of its own.
struct NotificationsJob: PeriodicJob {
  let notices: NoticeSender

  func step() throws(StoreError) -> String? {
    try notices.runDue().summary
  }
}
