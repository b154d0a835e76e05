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

  /// The headers that Relay allows.
  private static let allowed = [
    "X-Sentry-Auth", "X-Requested-With", "X-Forwarded-For", "Origin", "Referer", "Accept",
    "Content-Type", "Authentication", "Authorization", "Content-Encoding", "Transfer-Encoding",
  ]

  /// The answer to a preflight request. It also allows the headers that the request names: pages
  /// with other tracing tools add `traceparent` and `baggage` to every request, and a browser does
  /// not send a session with a header that is not allowed.
  static func preflight(of head: RequestHead) -> Headers {
    let named = head.headers.all("Access-Control-Request-Headers")
      .flatMap { $0.split(separator: ",") }
      .map { $0.filter { $0 != " " && $0 != "\t" } }
      .filter { !$0.isEmpty && $0.utf8.allSatisfy(isToken) }
    var headers = self.headers
    headers.add("Access-Control-Allow-Methods", "POST")
    headers.add("Access-Control-Allow-Headers", (allowed + named).joined(separator: ", "))
    headers.add("Access-Control-Max-Age", "3600")
    return headers
  }
}
