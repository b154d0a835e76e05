internal import Bytes
internal import Compression
internal import HTTP
internal import Hashing
internal import Locks

/// The files of the dashboard, ready to be sent.
///
/// They are loaded with the first request, so that they take no memory while nobody uses the
/// dashboard.
final class DashboardAssets: Sendable {
  /// A file with its headers and encodings.
  struct Asset: Sendable {
    var contentType: String
    var bytes: [UInt8]
    /// The compressed file; nil if it is not smaller.
    var compressed: [UInt8]?
    /// The entity tag with its quotes.
    var entityTag: String

    init(_ contentType: String, _ bytes: [UInt8]) {
      self.contentType = contentType
      self.bytes = bytes
      compressed = gzip(bytes).flatMap { $0.count < bytes.count ? $0 : nil }
      entityTag = "\"\(DashboardAssets.shortDigest(bytes))\""
    }
  }

  /// All files.
  struct Bundle: Sendable {
    var page: Asset
    /// Scripts, style sheets and images by name.
    var files: [String: Asset]
    /// The version in the URLs of the files; it changes when any of them changes.
    var version: String

    /// - Parameter pathPrefix: the path of the public URL, without a trailing slash.
    init(pathPrefix: String) {
      let files = DashboardFiles.all
      let version = DashboardAssets.shortDigest(files.flatMap(\.bytes))
      self.version = version
      self.files = Dictionary(
        uniqueKeysWithValues: files.map { ($0.name, Asset($0.contentType, $0.bytes)) })
      let modules = files.filter { $0.name.hasSuffix(".js") }.map {
        "<link rel=\"modulepreload\" href=\"assets/\(version)/\($0.name)\">"
      }
      let page = String(decoding: DashboardFiles.page, as: UTF8.self)
        .replacing("{{base}}", with: pathPrefix.escapedForHTML + "/")
        .replacing("{{assets}}", with: "assets/\(version)")
        .replacing("{{modules}}", with: modules.joined(separator: "\n"))
      self.page = Asset("text/html; charset=utf-8", Array(page.utf8))
    }
  }

  private let pathPrefix: String
  private let loaded = Locked<Bundle?>(nil)

  init(pathPrefix: String) {
    self.pathPrefix = pathPrefix
  }

  var bundle: Bundle {
    loaded.withLock { loaded in
      if let loaded { return loaded }
      let bundle = Bundle(pathPrefix: pathPrefix)
      loaded = bundle
      return bundle
    }
  }

  private static func shortDigest(_ bytes: [UInt8]) -> String {
    Hexadecimal.text(Hashing.sha256(bytes.span).prefix(8))
  }
}

extension String {
  fileprivate var escapedForHTML: String {
    replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
  }
}
