import Foundation
import Testing

/// The pages agree with the tree.
@Suite struct PagesTests {
  /// A path of a source, a test or a script that a page names exists.
  @Test(arguments: pages)
  func namedFilesExist(page: Repository.File) {
    for match in page.text.matches(of: /`((?:Sources|Tests|Scripts)\/[\w.\/+-]*)/) {
      let path = String(match.1)
      let isThere = FileManager.default.fileExists(
        atPath: Repository.root.appending(path: path).path(percentEncoded: false))
      #expect(isThere, "\(page.path) names \(path)")
    }
  }

  private static let pages =
    [Repository.file("README.md")].compactMap(\.self)
    + Repository.files(in: "docs", extensions: ["md"])
}
