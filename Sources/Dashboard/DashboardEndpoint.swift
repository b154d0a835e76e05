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
    assets.page.answer(head, cacheControl: "no-cache").adding(Self.fileHeaders)
      .adding(Self.pageHeaders)
  }

  /// - Parameter version: the version in the URL. A page that was loaded before an upgrade requests
  ///   an older version and gets the current file.
  package func file(_ name: String, version: String, _ head: RequestHead) -> Response {
    let assets = assets
    guard let asset = assets.files[name] else {
      return .failure(404, "there is nothing at \(head.path)")
    }
    let isCurrent = version == assets.version
    return asset.answer(
      head, cacheControl: isCurrent ? "public, max-age=31536000, immutable" : "no-cache"
    ).adding(Self.fileHeaders)
  }

  private static let fileHeaders: Headers = ["Cross-Origin-Resource-Policy": "same-origin"]

  /// The page runs and loads only Hale's own files, and no other page may frame it.
  private static let pageHeaders: Headers = [
    "Content-Security-Policy":
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
      + "connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
  ]
}
