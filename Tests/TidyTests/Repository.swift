import Foundation

/// The files of this repository, as the tidiness tests read them.
enum Repository {
  /// Three levels above this file: the root of the package.
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// A text file of the repository.
  struct File: CustomStringConvertible, Sendable {
    /// Relative to the root.
    var path: String
    var text: String
    /// The name of the target under `Sources` or `Tests`; empty for files above one.
    var target: String

    var description: String { path }

    /// Code, strings and comments apart; for Swift only.
    let swift: SwiftText

  }

  /// The files below a folder whose name ends in one of the extensions (all when empty).
  static func files(in folder: String, extensions: Set<String> = []) -> [File] {
    let base = root.appending(path: folder, directoryHint: .isDirectory)
    guard let paths = FileManager.default.enumerator(atPath: base.path(percentEncoded: false))
    else { return [] }
    return paths.compactMap { $0 as? String }
      .filter { extensions.isEmpty || extensions.contains(($0 as NSString).pathExtension) }
      .filter { !$0.contains("__pycache__") && !$0.contains(".pytest_cache") }
      .sorted()
      .compactMap { name in file("\(folder)/\(name)") }
  }

  /// One file; nil if it is absent or no text.
  static func file(_ path: String) -> File? {
    guard let text = try? String(contentsOf: root.appending(path: path), encoding: .utf8) else {
      return nil
    }
    let parts = path.split(separator: "/")
    return File(
      path: path, text: text, target: parts.count > 2 ? String(parts[1]) : "",
      swift: SwiftText(path.hasSuffix(".swift") ? text : ""))
  }

  /// The numbers of the lines on which the pattern occurs.
  static func lines(of pattern: Regex<Substring>, in text: String) -> [Int] {
    // Nearly always there is none, and then nothing is split.
    guard text.contains(pattern) else { return [] }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.indices.filter { lines[$0].contains(pattern) }.map { $0 + 1 }
  }

  static let sources = files(in: "Sources", extensions: ["swift"])
  static let tests = files(in: "Tests", extensions: ["swift"])
}
