internal import Bytes
internal import Compression
internal import Hashing

/// The files of the dashboard, ready to be sent.
struct DashboardAssets: Sendable {
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

  let page: Asset
  /// Scripts, style sheets and images by name.
  let files: [String: Asset]
  /// The version in the URLs of the files; it changes when any of them changes.
  let version: String

  /// - Parameter pathPrefix: the path of the public URL, without a trailing slash.
  init(pathPrefix: String) {
    let files = DashboardFiles.all
    let version = Self.shortDigest(files.flatMap(\.bytes))
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

  private static func shortDigest(_ bytes: [UInt8]) -> String {
    Hexadecimal.text(Hashing.sha256(bytes.span).prefix(8))
  }
}

extension String {
  fileprivate var escapedForHTML: String {
    replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
  }
}
