internal import API
package import HTTP

/// The pages that people look at, and the files of which they are made. All of them are public:
/// what they show comes from the API, which asks for a token.
package struct DashboardEndpoint {
  private let assets: DashboardAssets

  package init(pathPrefix: String) {
    assets = DashboardAssets(pathPrefix: pathPrefix)
  }

  /// The one page that all views are drawn on.
  package func page(_ head: RequestHead) -> Response {
    answer(assets.bundle.page, head, cacheControl: "no-cache").adding(Self.pageHeaders)
  }

  /// - Parameter version: that a page has put into the address. One that was loaded before the
  ///   program was replaced asks for an older one, and gets what there is.
  package func file(_ name: String, version: String, _ head: RequestHead) -> Response {
    let bundle = assets.bundle
    guard let asset = bundle.files[name] else {
      return .failure(404, "there is nothing at \(head.path)")
    }
    let isCurrent = version == bundle.version
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

  /// Enough of RFC 9110 §12.5.3 for browsers and tools: the coding is named, and not with a weight
  /// of zero.
  private static func takesGzip(_ head: RequestHead) -> Bool {
    head.headers.all("Accept-Encoding").joined(separator: ",").split(separator: ",").contains {
      let text = $0.filter { $0 != " " }.lowercased()
      return text == "gzip"
        || text.hasPrefix("gzip;q=") && text.dropFirst(7).contains { $0 != "0" && $0 != "." }
    }
  }

  /// Nothing but Hale's own files runs or is asked for, and no other page may hold this one.
  private static let pageHeaders: Headers = [
    "Content-Security-Policy":
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
      + "connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
  ]
}
