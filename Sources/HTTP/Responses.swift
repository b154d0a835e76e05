package import Bytes

/// The answers that endpoints share, in the form of Sentry's API.
extension Response {
  /// An answer with a JSON body.
  package static func json(_ body: [UInt8], status: Int = 200, headers: Headers = [:]) -> Response {
    var headers = headers
    headers.add("Content-Type", "application/json")
    return Response(status: status, headers: headers, body: body)
  }

  /// An answer with the JSON value that `write` writes.
  package static func json(
    status: Int = 200, headers: Headers = [:], _ write: (inout JSONWriter) -> Void
  ) -> Response {
    .json(JSONWriter.document(write), status: status, headers: headers)
  }

  /// A list, of which `write` writes each element.
  package static func list<Element>(
    _ elements: some Sequence<Element>, headers: Headers = [:],
    _ write: (inout JSONWriter, Element) -> Void
  ) -> Response {
    .json(headers: headers) { json in
      json.array { json in
        for element in elements { write(&json, element) }
      }
    }
  }

  /// An error, `{"detail": …}`, with `causes` if there are any.
  ///
  /// - Parameter missing: the missing resource, for a client that waits for it.
  package static func failure(
    _ status: Int, _ detail: String, causes: [String] = [], missing: String? = nil
  ) -> Response {
    let json = JSONWriter.object { json in
      json.member("detail", detail)
      if !causes.isEmpty { json.member("causes", causes) }
      if let missing { json.member("missing", missing) }
    }
    return .json(json, status: status)
  }

  package func adding(_ headers: Headers) -> Response {
    var response = self
    for (name, value) in headers { response.headers.add(name, value) }
    return response
  }

  /// - Parameter allowed: the value of the `Allow` field.
  package static func methodNotAllowed(_ allowed: String) -> Response {
    .failure(405, "the method is not allowed; allowed: \(allowed)")
      .adding(["Allow": allowed])
  }
}
