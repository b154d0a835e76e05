internal import HTTP
internal import Ingest
internal import Locks
internal import Logging
internal import Storage

/// Checks whether the store can be written, for `/readyz`.
final class Readiness: Sendable {
  private let dependencies: ServiceDependencies
  private let sink: any ResponseSink
  /// Why the store could not be written at the last check; nil if it could.
  private let failure = Locked<StoreError?>(nil)

  init(_ dependencies: ServiceDependencies, sink: any ResponseSink) {
    self.dependencies = dependencies
    self.sink = sink
  }

  /// Checks on the writer's thread. The check writes little and may find room where a batch did
  /// not, so a recent failure of a batch counts too.
  func answer(_ exchange: ExchangeID) -> RequestDisposition {
    dependencies.queue.writes.submit(in: .change) { [self] in
      let response: Response
      do throws(StoreError) {
        if let failure = dependencies.queue.recentFailure { throw failure }
        try dependencies.store.checkWritable()
        failure.withLock { $0 = nil }
        response = .json(Array(#"{"status":"ready"}"#.utf8))
      } catch {
        log(error)
        response = .failure(503, "the store cannot be written: \(error.publicSentence)")
          .adding(["Retry-After": "5"])
      }
      sink.respond(response, to: [exchange])
      return true
    }
    return .pending
  }

  /// Checks come every few seconds: a reason is logged once.
  private func log(_ error: StoreError) {
    let isNew = failure.withLock { last in
      defer { last = error }
      return last != error
    }
    if isNew { dependencies.log.error("not ready", metadata: ["reason": "\(error.sentence)"]) }
  }
}
