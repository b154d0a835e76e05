import Foundation
import Testing

/// The rules of style that a test can hold.
@Suite struct WordingTests {
  @Test func nothingIsLeftForLater() {
    // Put together here, or this file would be the first finding.
    // Templates of `mktemp` are longer, and no finding.
    let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
    for file in Self.everything {
      for word in words where file.text.contains(word) {
        let found = file.text.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
        let isThere = found.contains(word[...])
        #expect(!isThere, "\(file.path) has a \(word)")
      }
    }
  }

  /// Time, chance and the environment come in as arguments: only the outermost targets ask the
  /// system for them.
  @Test(arguments: Repository.sources.filter { !programs.contains($0.target) })
  func noHiddenInputs(file: Repository.File) {
    let calls =
      /\bDate\(\)|\bDate\.now\b|\bUUID\(\)|\bContinuousClock\b|\bSuspendingClock\b|\bgetenv\b|\bProcessInfo\b|\bCLOCK_REALTIME\b|\bgettimeofday\b|\btime\(nil\)/
    let lines = Repository.lines(of: calls, in: file.swift.code)
    #expect(lines.isEmpty, "\(file.path) asks for time, chance or environment on lines \(lines)")
  }

  @Test(arguments: Repository.sources.filter { !programs.contains($0.target) })
  func onlyTheProgramPrints(file: Repository.File) {
    let lines = Repository.lines(of: /(?:^|[^\w.])(?:print|debugPrint)\(/, in: file.swift.code)
    #expect(lines.isEmpty, "\(file.path) prints on lines \(lines)")
  }

  /// The keys of the wire format stand in one module, and in the client that the bench is.
  @Test(arguments: Repository.sources.filter { !["Envelopes", "hale-bench"].contains($0.target) })
  func onlyEnvelopesKnowTheWire(file: Repository.File) {
    let lines = Repository.lines(of: /"(?:sid|did|seq)"/, in: file.swift.codeWithStrings)
    #expect(lines.isEmpty, "\(file.path) names a wire key on lines \(lines)")
  }

  /// What the compiler no longer checks is a decision, and its reason stands with it.
  @Test(arguments: Repository.sources + Repository.tests)
  func exceptionsGiveTheirReason(file: Repository.File) {
    let code = Self.lines(file.swift.code)
    let comments = Self.lines(file.swift.comments)
    for index in code.indices where Self.exceptions.contains(where: code[index].contains) {
      let near = comments[max(0, index - 3)...index]
      #expect(
        near.contains { $0.contains(/\b[Bb]ecause\b/) },
        "\(file.path):\(index + 1) has no reason within the three lines above")
    }
  }

  /// The README is for people who run Hale; it does not send them to a registry of packages.
  @Test func readmeNamesNoPackageRegistry() throws {
    let readme = try #require(Repository.file("README.md"), "README.md is missing")
    let registries = [
      "PyPI", "pypi.org", "npmjs", "crates.io", "RubyGems", "Docker Hub", "hub.docker.com",
      "docker.io", "ghcr.io", "quay.io", "Swift Package Index", "swiftpackageindex",
    ]
    for name in registries {
      #expect(!readme.text.localizedCaseInsensitiveContains(name), "README names \(name)")
    }
  }

  private static let programs = ["hale", "hale-bench"]

  /// Where the programmer vouches for what the compiler would check. As strings: rules are held
  /// against code only, so this list is no finding.
  private static let exceptions = ["@unchecked", "nonisolated(unsafe)", "try!"]

  /// All that is written by hand here.
  private static var everything: [Repository.File] {
    let top = ["Package.swift", "README.md", "schema.sql", "Dockerfile", ".ci/run"]
    return Repository.files(in: "Sources") + Repository.files(in: "Tests")
      + Repository.files(in: "Scripts") + top.compactMap(Repository.file)
  }

  private static func lines(_ text: String) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false)
  }
}
