internal import Bytes
internal import Compression
internal import HTTP
internal import Hashing
internal import Locks

/// The files that the dashboard is made of, as they are sent.
///
/// They are read when the first browser comes, so that a service that nobody looks at does not
/// hold them.
final class DashboardAssets: Sendable {
  /// A file, ready to be sent.
  struct Asset: Sendable {
    var contentType: String
    var bytes: [UInt8]
    /// nil where the file is no shorter so.
    var compressed: [UInt8]?
    /// With its quotes.
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
    /// Scripts, styles and pictures by their names.
    var files: [String: Asset]
    /// Stands in the addresses of the files: it changes when one of them does.
    var version: String

    /// - Parameter pathPrefix: of the public URL, without a slash at its end.
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
