import API
import ReleaseHealth
import Storage
import TestSupport
import Testing

/// When an answer hints that unhandled errors are many, but not bad.
@Suite struct BadHintTests {
  struct Example: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var crashed: Int64 = 0
    var failed: Int64
    var tolerated: Double?
    var projects = [ProjectSettings()]
    var isThere: Bool
  }

  static let examples = [
    Example(testDescription: "a page without a platform", failed: 11, isThere: true),
    Example(testDescription: "few", failed: 10, isThere: false),
    Example(testDescription: "more than a limit", failed: 2, tolerated: 0.001, isThere: true),
    Example(testDescription: "a wide limit", failed: 11, tolerated: 0.5, isThere: true),
    Example(
      testDescription: "crashes outnumber them", crashed: 10, failed: 20, isThere: false),
    Example(testDescription: "they outnumber crashes", crashed: 10, failed: 21, isThere: true),
    Example(
      testDescription: "an application", failed: 500,
      projects: [ProjectSettings(platform: "flutter")], isThere: true),
    Example(
      testDescription: "a browser, where they are bad", failed: 500,
      projects: [ProjectSettings(platform: "javascript")], isThere: false),
    Example(
      testDescription: "one that says so", failed: 500, projects: [ProjectSettings(bad: .crashed)],
      isThere: false),
    Example(
      testDescription: "of two one that says nothing", failed: 500,
      projects: [ProjectSettings(bad: .crashed), ProjectSettings()], isThere: true),
    Example(
      testDescription: "of two one where they are bad", failed: 500,
      projects: [ProjectSettings(platform: "javascript"), ProjectSettings()], isThere: false),
    Example(testDescription: "a request that says so", failed: 500, projects: [], isThere: false),
  ]

  @Test(arguments: examples)
  func hints(_ example: Example) {
    let projects = example.projects.enumerated().map { index, settings in
      Project(
        id: ProjectID(rawValue: Int64(index)), organization: OrganizationID(rawValue: 1),
        slug: "p\(index)", settings: settings, created: Timestamp(seconds: 0))
    }
    for (owner, option) in [("default", ""), ("acme", " --org acme")] {
      let hint = BadHint(crashed: example.crashed, failed: example.failed, of: 1000).sentence(
        projects,
        of: Organization(
          id: OrganizationID(rawValue: 1), slug: owner, created: Timestamp(seconds: 0)),
        tolerated: example.tolerated)
      #expect((hint != nil) == example.isThere)
      guard let hint else { continue }
      let slug = projects.last?.slug ?? ""
      let count = example.failed - example.crashed
      #expect(hint.hasPrefix("\(count) of 1000 sessions had an unhandled"))
      #expect(hint.contains("`hale project set \(slug)\(option) --bad crashed+unhandled`"))
    }
  }
}
