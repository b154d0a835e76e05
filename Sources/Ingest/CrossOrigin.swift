package import HTTP

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
