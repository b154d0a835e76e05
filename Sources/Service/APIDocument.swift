internal import Ingest
internal import HTTP

extension Response {
  /// The OpenAPI 3.1 document, which describes every route. It is public, open to pages of any
  /// origin, and changes only with the program.
  static let document: Response = .json(
    PackageResources.openapi_json,
    headers: ["Cache-Control": "public, max-age=3600"]
  ).openToAllOrigins
}
