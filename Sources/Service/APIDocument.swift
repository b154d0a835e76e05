internal import Ingest
internal import HTTP

extension Response {
  /// The description of every route (OpenAPI 3.1): public, the same for everybody, and for pages of
  /// any origin. It changes with the program alone, whose version is put in.
  static func document(version: String) -> Response {
    var text = PackageResources.openapi_json
    if let place = text.prefix(1000).firstRange(of: "{{version}}".utf8) {
      text.replaceSubrange(place, with: version.utf8)
    }
    return .json(text, headers: ["Cache-Control": "public, max-age=3600"]).openToAllOrigins
  }
}
