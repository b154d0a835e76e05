internal import API

/// The files of the dashboard, ready to be sent.
struct DashboardAssets: Sendable {
  let page: StaticFile
  /// Scripts, style sheets and images by name.
  let files: [String: StaticFile]
  /// The version in the URLs of the files; it changes when any of them changes.
  let version: String

  /// - Parameter pathPrefix: the path of the public URL, without a trailing slash.
  init(pathPrefix: String) {
    let files = DashboardFiles.all
    let version = StaticFile.shortDigest(files.flatMap(\.bytes))
    self.version = version
    self.files = Dictionary(
      uniqueKeysWithValues: files.map { ($0.name, StaticFile($0.contentType, $0.bytes)) })
    let modules = files.filter { $0.name.hasSuffix(".js") }.map {
      "<link rel=\"modulepreload\" href=\"assets/\(version)/\($0.name)\">"
    }
    let page = String(decoding: DashboardFiles.page, as: UTF8.self)
      .replacing("{{base}}", with: pathPrefix.escapedForHTML + "/")
      .replacing("{{assets}}", with: "assets/\(version)")
      .replacing("{{modules}}", with: modules.joined(separator: "\n"))
    self.page = StaticFile("text/html; charset=utf-8", Array(page.utf8))
  }
}

extension String {
  fileprivate var escapedForHTML: String {
    replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
  }
}
