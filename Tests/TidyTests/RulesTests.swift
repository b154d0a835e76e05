import Foundation
import Testing

/// What the code does not do, as far as a test can hold it.
@Suite struct RulesTests {
  /// A store's values could come from another machine, or be written down: no function is among
  /// them.
  @Test(arguments: Repository.sources.filter { $0.target == "Storage" })
  func valuesOfAStoreHaveNoClosure(file: Repository.File) {
    let closures = /(?:@escaping|@Sendable \(|(?:let|var) \w+: [^{=]*->|typealias \w+ = .*->)/
    let lines = Repository.lines(of: closures, in: file.swift.code)
    #expect(lines.isEmpty, "\(file.path) has a closure on lines \(lines)")
  }

  /// A clone tests itself with nothing beside it.
  @Test func nothingOutsideTheRepositoryIsNeeded() {
    let outside = "../" + "shared"
    for folder in ["Sources", "Tests", "Scripts", "docs", "Bench", ".github"] {
      for file in Repository.files(in: folder) where !file.path.hasPrefix("Tests/Captures/") {
        #expect(!file.text.contains(outside), "\(file.path) names \(outside)")
      }
    }
  }

  /// Tests wait for what they expect, not for time. Sockets and processes of other programs are
  /// looked at again and again by one function of each suite.
  @Test(arguments: Repository.tests)
  func noTestSleeps(file: Repository.File) {
    let waiting = ["Tests/ListenerTests/"]
    if waiting.contains(where: file.path.hasPrefix) { return }
    let lines = Repository.lines(
      of: /\b(?:usleep|sleep|nanosleep|Task\.sleep)\(/, in: file.swift.code)
    #expect(lines.isEmpty, "\(file.path) sleeps on lines \(lines)")
  }
}
