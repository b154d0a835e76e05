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

  /// The pages are for people who run Hale; they do not send them to a registry of packages.
  @Test(arguments: pages)
  func pagesNameNoPackageRegistry(page: Repository.File) {
    let registries = [
      "PyPI", "pypi.org", "npmjs", "crates.io", "RubyGems", "Docker Hub", "hub.docker.com",
      "docker.io", "ghcr.io", "quay.io", "Swift Package Index", "swiftpackageindex",
    ]
    for name in registries {
      #expect(!page.text.localizedCaseInsensitiveContains(name), "\(page.path) names \(name)")
    }
  }

  /// README can be read in one go. Everything else is in docs.
  @Test func readmeIsShort() throws {
    let readme = try #require(Self.pages.first { $0.path == "README.md" })
    #expect(readme.text.split(separator: "\n", omittingEmptySubsequences: false).count <= 171)
  }

  /// Links between the pages lead to what is there, with their headings.
  @Test(arguments: pages)
  func linksLeadSomewhere(page: Repository.File) throws {
    let folder = page.path.contains("/") ? "docs/" : ""
    for match in page.text.matches(of: /\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/) {
      let path = match.1.isEmpty ? page.path : folder + match.1
      let isThere = FileManager.default.fileExists(
        atPath: Repository.root.appending(path: path).path(percentEncoded: false))
      #expect(isThere, "\(page.path) leads to \(path)")
      guard let anchor = match.2 else { continue }
      let headings = try #require(Repository.file(path)).text.split(separator: "\n")
        .filter { $0.hasPrefix("#") }
        .map {
          $0.drop { $0 == "#" || $0 == " " }.lowercased().filter { $0 != "," && $0 != ":" }
            .replacingOccurrences(of: " ", with: "-")
        }
      #expect(headings.contains(String(anchor)), "\(page.path) leads to \(path)#\(anchor)")
    }
  }

  private static let pages =
    [Repository.file("README.md")].compactMap(\.self)
    + Repository.files(in: "docs", extensions: ["md"])

  private static let programs = ["hale", "hale-bench"]

  /// Where the programmer vouches for what the compiler would check. As strings: rules are held
  /// against code only, so this list is no finding.
  private static let exceptions = ["@unchecked", "nonisolated(unsafe)", "try!"]

  /// All that is written by hand here.
  private static var everything: [Repository.File] {
    let top = ["Package.swift", "schema.sql", "Dockerfile", ".ci/run"]
    return Repository.files(in: "Sources") + Repository.files(in: "Tests")
      + Repository.files(in: "Scripts") + pages + top.compactMap(Repository.file)
  }

  private static func lines(_ text: String) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false)
  }
}
