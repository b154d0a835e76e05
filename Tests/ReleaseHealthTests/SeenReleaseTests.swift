import Bytes
import ReleaseHealth
import Testing

@Suite struct SeenReleaseTests {
  private static let now = Timestamp(seconds: 1_000_000)

  /// - Parameters:
  ///   - seen: seconds since 1970.
  ///   - adopted: whether the release is adopted now; nil for never.
  private static func release(
    _ name: String, _ sessions: Int64, seen: Int64 = 0, adopted: Bool? = nil
  ) -> SeenRelease {
    var times = AdoptionTimes()
    if let adopted {
      times = AdoptionTimes(adopted: Timestamp(seconds: 500), unadopted: adopted ? nil : now)
    }
    return SeenRelease(
      name, sessions: sessions,
      ReleaseStanding(
        of: name, created: Timestamp(seconds: seen), adoption: [AdoptionTimes(), times]))
  }

  struct Example: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var releases: [SeenRelease]
    var sessionsMin: Int64 = 0
    var expected: String?

    init(
      _ text: String, _ releases: [SeenRelease], sessionsMin: Int64 = 0, _ expected: String?
    ) {
      testDescription = text
      self.releases = releases
      self.sessionsMin = sessionsMin
      self.expected = expected
    }
  }

  static let examples = [
    Example("no release", [], nil),
    Example(
      "the highest version, prereleases by number",
      [release("p@1.0.0-rc.9", 50), release("p@1.0.0-rc.10", 50)], "p@1.0.0-rc.10"),
    Example(
      "of the package with the most sessions, all of its releases together",
      [release("web@9.0", 60), release("app@1.9", 40), release("app@1.10", 30)], "app@1.10"),
    Example(
      "of equal packages the one with the highest version",
      [release("a@1.0", 5), release("b@2.0", 5), release("c@1.5", 5)], "b@2.0"),
    Example(
      "without versions the one first seen last",
      [release("abc", 5, seen: 1), release("def", 5, seen: 3), release("xyz", 50, seen: 2)], "def"),
    Example(
      "names without a version are no package and do not outvote one",
      [
        release("a@1.0", 5), release("x", 600, seen: 9), release("1.0.0", 70, seen: 8),
        release("b@abcdef012345", 80, seen: 7), release("a@nightly", 90, seen: 6),
      ], "a@1.0"),
    Example(
      "packages without a version are none, either",
      [
        release("a@nightly", 500, seen: 1), release("b@abcdef012345", 5, seen: 3),
        release("x", 50, seen: 2),
      ], "b@abcdef012345"),
    Example(
      "a version with too few sessions is not in question",
      [release("x", 200, seen: 2, adopted: true), release("a@1.0", 3)], "x"),
    Example(
      "a build of testers is not the latest where a release is adopted",
      [release("a@1.0", 200, adopted: true), release("a@2.0-dev", 3)], sessionsMin: 100, "a@1.0"),
    Example(
      "with enough sessions it is",
      [release("a@1.0", 200, adopted: true), release("a@2.0-dev", 100)], sessionsMin: 100,
      "a@2.0-dev"),
    Example(
      "the adopted one itself need not have the most",
      [release("a@1.0", 2, adopted: true), release("a@1.1", 100), release("a@2.0", 3)],
      sessionsMin: 100, "a@1.1"),
    Example(
      "without an adopted one all count",
      [release("a@1.0", 200), release("a@2.0-dev", 3)], sessionsMin: 100, "a@2.0-dev"),
    Example(
      "a replaced one is not adopted",
      [release("a@1.0", 200, adopted: false), release("a@2.0-dev", 3)], sessionsMin: 100,
      "a@2.0-dev"),
    Example(
      "where all have too few, all count",
      [release("a@1.0", 20, adopted: true), release("a@2.0-dev", 3)], sessionsMin: 100,
      "a@2.0-dev"),
    Example(
      "without a minimum it is a hundred",
      [release("a@1.0", 200, adopted: true), release("a@1.1", 100), release("a@2.0-dev", 99)],
      "a@1.1"),
    Example(
      "a lower one lets fewer count",
      [release("a@1.0", 200, adopted: true), release("a@2.0-dev", 99)], sessionsMin: 99,
      "a@2.0-dev"),
  ]

  @Test(arguments: examples)
  func latest(_ example: Example) {
    var random = SplitMix64(seed: 3)
    for _ in 0..<10 {
      let latest = example.releases.shuffled(using: &random)
        .latest(at: Self.now, sessionsMin: example.sessionsMin)
      #expect(latest?.name == example.expected)
    }
  }

  @Test func adoptionIsThatOfTheTime() {
    let times = AdoptionTimes(adopted: Timestamp(seconds: 10), unadopted: Timestamp(seconds: 20))
    for (seconds, isAdopted) in [(9, false), (10, true), (19, true), (20, false)] {
      #expect(times.isAdopted(at: Timestamp(seconds: Int64(seconds))) == isAdopted)
    }
    #expect(AdoptionTimes(adopted: Timestamp(seconds: 10)).isAdopted(at: Self.now))
    #expect(!AdoptionTimes().isAdopted(at: Self.now))
  }

  @Test func theReleaseBeforeIsTheNextLowerOfThePackage() {
    let releases = ["a@1.0-rc.9", "a@1.0-rc.10", "a@1.0", "b@0.9", "x"].map { Self.release($0, 1) }
    let before = releases.map { releases.previous(to: $0)?.name }
    #expect(before == [nil, "a@1.0-rc.9", "a@1.0-rc.10", nil, nil])
  }
}
