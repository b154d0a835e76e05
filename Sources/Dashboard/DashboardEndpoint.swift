internal import API
internal import Locks
package import HTTP

/// Serves the page of the dashboard and its files. All of them are public: their data comes from
/// the API, which requires a token.
package final class DashboardEndpoint: Sendable {
  private let pathPrefix: String
  /// Loaded with the first request, so that they take no memory while nobody uses the dashboard.
  private let loaded = Locked<DashboardAssets?>(nil)

  package init(pathPrefix: String) {
    self.pathPrefix = pathPrefix
  }

  private var assets: DashboardAssets {
    loaded.withLock { loaded in
      let assets = loaded ?? DashboardAssets(pathPrefix: pathPrefix)
      loaded = assets
      return assets
    }
  }

  /// Answers the page, which is the same for all views.
  package func page(_ head: RequestHead) -> Response {
    answer(assets.page, head, cacheControl: "no-cache").adding(Self.pageHeaders)
  }

  /// - Parameter version: the version in the URL. A page that was loaded before an upgrade requests
  ///   an older version and gets the current file.
  package func file(_ name: String, version: String, _ head: RequestHead) -> Response {
    let assets = assets
    guard let asset = assets.files[name] else {
      return .failure(404, "there is nothing at \(head.path)")
    }
    let isCurrent = version == assets.version
    return answer(
      asset, head,
      cacheControl: isCurrent ? "public, max-age=31536000, immutable" : "no-cache")
  }

  private func answer(
    _ asset: DashboardAssets.Asset, _ head: RequestHead, cacheControl: String
  ) -> Response {
    var headers: Headers = [
      "ETag": asset.entityTag, "Cache-Control": cacheControl, "Vary": "Accept-Encoding",
      "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
    ]
    if EntityTag.isNamed(asset.entityTag, in: head) {
      return Response(status: 304, headers: headers)
    }
    headers.add("Content-Type", asset.contentType)
    if let compressed = asset.compressed, Self.takesGzip(head) {
      headers.add("Content-Encoding", "gzip")
      return Response(headers: headers, body: compressed)
    }
    return Response(headers: headers, body: asset.bytes)
  }

  /// Whether the client accepts the coding: it is listed without a weight of zero. This subset of
  /// RFC 9110 §12.5.3 suffices for browsers and tools.
  private static func takesGzip(_ head: RequestHead) -> Bool {
    head.headers.all("Accept-Encoding").joined(separator: ",").split(separator: ",").contains {
      let text = $0.filter { $0 != " " }.lowercased()
      return text == "gzip"
        || text.hasPrefix("gzip;q=") && text.dropFirst(7).contains { $0 != "0" && $0 != "." }
    }
  }

  /// The page runs and loads only Hale's own files, and no other page may frame it.
  private static let pageHeaders: Headers = [
    "Content-Security-Policy":
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
      + "connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
  ]
}
