import Foundation
import Testing

/// Arrows go down only. The compiler rejects an import that the manifest does not declare; these
/// tests reject a manifest that declares too much, and imports of the system that a layer must
/// not have.
@Suite struct LayeringTests {
  /// What each target may import. The standard library's own modules for locks and the C library
  /// are named where a layer may have them: the lower layers hold no lock and call no system.
  static let allowed: [String: Set<String>] = [
    // Level 0.
    "ReleaseHealth": [],
    "Bytes": [],
    // Glibc reads and writes IP addresses.
    "HTTP": ["Bytes", "Glibc"],
    "Locks": ["Dispatch", "Glibc", "Synchronization"],
    "Compression": ["CBrotli", "CZlib", "CZstd"],
    "Hashing": ["CCrypto"],
    // Level 1.
    "Envelopes": ["Bytes", "ReleaseHealth"],
    "Storage": ["Bytes", "ReleaseHealth"],
    "Demo": ["Bytes", "ReleaseHealth"],
    // Level 2.
    "SQLiteStorage": [
      "CRoaring", "CSQLite", "Dispatch", "Glibc", "Locks", "ReleaseHealth", "Storage",
      "Synchronization",
    ],
    "Listener": ["CEpoll", "Foundation", "HTTP", "Locks", "Synchronization"],
    "Outbound": ["Bytes", "CCurl", "CSpawn", "Glibc"],
    "Access": ["Hashing", "Locks", "ReleaseHealth", "Storage"],
    "Metrics": ["Locks", "ReleaseHealth", "Storage"],
    "API": [
      "Access", "Bytes", "Compression", "FoundationEssentials", "HTTP", "Hashing", "Locks",
      "Logging", "Metrics", "ReleaseHealth", "Storage",
    ],
    // Level 3: none of these imports another.
    "Ingest": [
      "Access", "Bytes", "Compression", "Envelopes", "FoundationEssentials", "HTTP",
      "Locks",
      "Metrics", "ReleaseHealth", "Storage",
    ],
    "Queries": [
      "API", "Access", "Bytes", "FoundationEssentials", "HTTP", "ReleaseHealth", "Storage",
    ],
    "Alerting": [
      "API", "Access", "Bytes", "Dispatch", "FoundationEssentials", "HTTP", "Hashing", "Locks",
      "Logging", "Outbound", "ReleaseHealth", "Storage",
    ],
    "Dashboard": ["API", "Access", "Bytes", "HTTP", "Locks", "Metrics", "Storage"],
    // Level 4.
    "Service": [
      "API", "Access", "Alerting", "Bytes", "Dashboard", "FoundationEssentials", "HTTP", "Ingest",
      "Locks",
      "Logging", "Metrics", "Queries", "ReleaseHealth", "Storage", "Synchronization",
    ],
    // Level 5.
    "hale": [
      "API", "Access", "Alerting", "ArgumentParser", "Bytes", "CMalloc", "Demo", "Dispatch",
      "Envelopes", "Foundation", "FoundationEssentials", "Glibc", "HTTP", "Ingest", "Listener",
      "Locks", "Logging", "Metrics", "Outbound", "ReleaseHealth", "SQLiteStorage", "Service",
      "Storage", "Synchronization",
    ],
    "hale-bench": [
      "Access", "ArgumentParser", "Bytes", "CSQLite", "Compression", "Demo", "Envelopes", "Glibc",
      "HTTP", "Listener", "ReleaseHealth", "SQLiteStorage", "Storage",
    ],
  ]

  @Test(arguments: Repository.sources)
  func importsMatchTheArrows(file: Repository.File) throws {
    let allowed = try #require(
      Self.allowed[file.target], "\(file.path): a target without a row in the table of arrows")
    let surplus = Self.imports(of: file).subtracting(allowed)
    #expect(surplus.isEmpty, "\(file.path) imports \(surplus.sorted())")
  }

  @Test func everyTargetHasItsRow() {
    let targets = Set(Repository.sources.map(\.target))
    #expect(targets.isSubset(of: Set(Self.allowed.keys)))
  }

  @Test func nothingPullsInTheSocketLibrary() throws {
    let word = "N" + "IO"
    for file in Repository.sources + Repository.tests {
      #expect(!Self.imports(of: file).contains { $0.contains(word) }, "\(file.path)")
    }
    for path in ["Package.swift", "Package.resolved"] {
      guard let file = Repository.file(path) else { continue }
      let package = "swift-" + "nio"
      #expect(!file.text.contains(package), "\(path) names it")
    }
  }

  /// The bench does because the yardstick of the store is SQLite without it.
  @Test func onlyOneTargetSpeaksSQLite() {
    let speakers = ["SQLiteStorage", "hale-bench"]
    for file in Repository.sources where !speakers.contains(file.target) {
      let calls = Repository.lines(of: /sqlite3_/, in: file.swift.code)
      #expect(calls.isEmpty, "\(file.path) calls SQLite on lines \(calls)")
      let statements = Repository.lines(of: Self.statement, in: file.swift.codeWithStrings)
      #expect(statements.isEmpty, "\(file.path) has SQL on lines \(statements)")
    }
  }

  /// Enough of SQL to know a statement by, and too much of it for an English sentence or HTTP.
  private static var statement: Regex<Substring> {
    /\b(?:SELECT [^"]*\bFROM|INSERT (?:OR \w+ )?INTO|DELETE FROM|CREATE (?:TABLE|INDEX)|PRAGMA \w|UPDATE \w+ SET)\b/
  }

  /// The modules that a file imports.
  private static func imports(of file: Repository.File) -> Set<String> {
    let importing =
      /^\s*(?:@\w+(?:\(\w+\))? +)*(?:(?:public|package|internal|fileprivate|private) +)?import +(?:(?:class|struct|enum|protocol|func|var|let|typealias) +)?(\w+)/
    let lines = file.swift.code.split(separator: "\n").filter { $0.contains("import ") }
    return Set(lines.compactMap { $0.firstMatch(of: importing).map { String($0.1) } })
  }
}
