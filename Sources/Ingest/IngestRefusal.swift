internal import Envelopes
package import HTTP
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

extension Response {
  /// The response with the headers that let web pages of any origin read it.
  package var openToAllOrigins: Response { adding(CrossOrigin.headers) }
}

/// Lets web pages of any origin send requests and read the responses, as Relay does.
enum CrossOrigin {
  static let headers: Headers = [
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "X-Sentry-Error, X-Sentry-Rate-Limits, Retry-After",
    "Cross-Origin-Resource-Policy": "cross-origin",
  ]

  static let preflight: Headers = [
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers":
      "X-Sentry-Auth, X-Requested-With, X-Forwarded-For, Origin, Referer, Accept, Content-Type, "
      + "Authentication, Authorization, Content-Encoding, Transfer-Encoding",
    "Access-Control-Expose-Headers": "X-Sentry-Error, X-Sentry-Rate-Limits, Retry-After",
    "Access-Control-Max-Age": "3600",
    "Cross-Origin-Resource-Policy": "cross-origin",
  ]
}
