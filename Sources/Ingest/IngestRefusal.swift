internal import Envelopes
internal import HTTP
internal import Metrics

/// The answer to a request that is refused as a whole.
struct IngestRefusal: Error {
  let response: Response

  init(_ status: Int, _ detail: String, causes: [String] = [], headers: Headers = [:]) {
    response =
      Response.failure(status, detail, causes: causes).adding(headers)
      .openToAllOrigins
  }

  init(_ error: EnvelopeError) {
    self.init(error.status, error.detail, causes: error.causes)
  }

  static let missingAuthorization = IngestRefusal(401, "missing authorization information")
  static let emptyBody = IngestRefusal(400, "empty request body")
  static let overloaded = IngestRefusal(
    503, "the service is overloaded", headers: ["Retry-After": "10"])
}

extension IngestEndpoint.Dependencies {
  /// Counts a refusal and returns its response; nothing else of the request is kept.
  func answer(_ refusal: IngestRefusal) -> Response {
    metrics.countRefusal(refusal.response.status)
    return refusal.response
  }
}
