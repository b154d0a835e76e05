internal import Ingest
internal import HTTP

extension Response {
  /// The description of every route (OpenAPI 3.1): public, the same for everybody, and for pages of
  /// any origin. It changes with the program alone.
  static let document: Response = .json(
    PackageResources.openapi_json,
    headers: ["Cache-Control": "public, max-age=3600"]
  ).openToAllOrigins
}
