internal import Ingest
internal import HTTP

extension Response {
  /// The OpenAPI 3.1 document, which describes every route. It is public, open to pages of any
  /// origin, and changes only with the program.
  static func document(version: String) -> Response {
    var text = PackageResources.openapi_json
    if let place = text.prefix(1000).firstRange(of: "{{version}}".utf8) {
      text.replaceSubrange(place, with: version.utf8)
    }
    return .json(text, headers: ["Cache-Control": "public, max-age=3600"]).openToAllOrigins
  }
}
