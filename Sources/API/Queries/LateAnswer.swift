internal import HTTP
internal import Logging
internal import Metrics
internal import Storage

/// The answer to a request whose work another thread does, with its place in the metrics.
struct LateAnswer: Sendable {
  let exchange: ExchangeID
  /// The pattern of the route.
  let route: String
  /// The seconds that a query may take.
  let timeoutSeconds: Int
  let sink: any ResponseSink
  let metrics: Metrics
  let log: Logger
  /// The time of the request; the duration includes the time in the queue.
  let start: Double

  func respond(_ response: Response, isFailure: Bool = false) {
    metrics.noteQuery(route, seconds: metrics.seconds - start, isFailure: isFailure)
    sink.respond(response, to: [exchange])
  }

  /// Answers an error of the work.
  ///
  /// - Returns: false if the query begins again.
  func fail(_ error: StoreError) -> Bool {
    if case .stopped(let stop) = error {
      if stop == .restarted {
        metrics.count(stop)
        return false
      }
      end(stop)
    } else if error.isRefusal {
      respond(.failure(400, error.sentence))
    } else {
      log.error("query failed", metadata: ["reason": "\(error.sentence)"])
      let response = Response.failure(503, "the store cannot answer: \(error.publicSentence)")
      respond(response.adding(["Retry-After": "5"]), isFailure: true)
    }
    return true
  }

  /// Answers a query that has ended without its work.
  func end(_ stop: QueryStop) {
    metrics.count(stop)
    respond(Self.response(to: stop, timeoutSeconds: timeoutSeconds))
  }

  /// The answer to a query that had to end. One that is cancelled has nobody to read it.
  static func response(to stop: QueryStop, timeoutSeconds: Int) -> Response {
    switch stop {
    case .timedOut:
      .failure(
        504,
        "The query took longer than \(timeoutSeconds) s, which is the most here (--query-timeout). "
          + "Request less: a shorter range, fewer projects, releases, groups or search terms.")
    case .outOfMemory:
      .failure(
        400,
        "The query needs more than \(RunningQuery.bytesMax >> 20) MiB of memory. Request less: a "
          + "shorter range, a longer interval, fewer projects, releases or groups.")
    case .refused, .restarted, .cancelled:
      .failure(503, "query queue is full").adding(["Retry-After": "1"])
    case .closed:
      .failure(503, "the service is stopping").adding(["Retry-After": "1"])
    }
  }
}
