import Bytes
import Testing

@Suite struct NearNamesTests {
  @Test(arguments: [
    ("groupby", "groupBy", true), ("group_by", "groupBy", true), ("kinds", "kind", true),
    ("statsPeriodd", "statsPeriod", true), ("enviroment", "environment", true),
    ("dateRelease", "dateReleased", true), ("qeury", "query", true),
    ("environments", "environment", true), ("prd", "prod", true), ("bda", "bad", true),
    // Names of Sentry's that have another meaning.
    ("sort", "start", false), ("project_id", "project", false), ("projectSlug", "project", false),
    ("utc", "cursor", false), ("and", "end", false), ("stats", "start", false), ("a", "b", false),
    ("", "to", false), ("_", "-", false), ("prod", "production", false),
  ])
  func slips(given: String, known: String, isSlip: Bool) {
    #expect(NearNames.isSlip(given, of: known) == isSlip)
    #expect(NearNames.isSlip(known, of: given) == isSlip)
  }

  @Test func theNearestComeFirst() {
    let environments = ["production", "prod-eu", "staging", "preproduction", "prd"]
    #expect(NearNames.near("prod", among: environments) == ["prd", "prod-eu", "production"])
    #expect(NearNames.near("prodution", among: environments) == ["production"])
    #expect(NearNames.near("Staging", among: environments) == ["staging"])
    #expect(NearNames.near("nothing", among: environments).isEmpty)
    #expect(NearNames.near("prd", among: environments).isEmpty)
    #expect(
      NearNames.near("status", among: ["release", "session.status"]) == ["session.status"])
    #expect(NearNames.near("2.1.0", among: ["shop@2.1.0", "shop@2.1.1"]) == ["shop@2.1.0"])
    #expect(NearNames.near("ab12", among: (1...9).map { "ab1\($0)" }).count == 3)
  }

  @Test(arguments: [
    ("env", "environment", true), ("Per", "per_page", true), ("stats", "statsPeriod", true),
    ("environment", "environment", false), ("en", "environment", false),
    ("project_id", "project", false), ("status", "session.status", false),
  ])
  func beginnings(given: String, known: String, isBeginning: Bool) {
    #expect(NearNames.isBeginning(given, of: known) == isBeginning)
  }

  @Test func theSentenceNamesAll() {
    #expect(
      NearNames.sentence("environment", "prod", among: ["production", "staging"])
        == "There is no environment \"prod\"; near: \"production\". There are production, staging."
    )
    #expect(
      NearNames.sentence("release", "x", among: ["a", "b", "c", "d"], listed: 3)
        == "There is no release \"x\". There are a, b, c and 1 more.")
    #expect(
      NearNames.sentence("member", "x", among: [])
        == "There is no member \"x\". There are no members.")
  }

  /// The law: one slip in a name of five letters and more is found, whatever it is.
  @Test(arguments: 1...200 as ClosedRange<UInt64>)
  func oneSlipIsFound(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
    let name = (0..<Int.random(in: 5...30, using: &random)).map { _ in
      letters.randomElement(using: &random) ?? "a"
    }
    var other = name
    let place = Int.random(in: 0..<name.count - 1, using: &random)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: other.remove(at: place)
    case 1: other.insert("q", at: place)
    case 2: other[place] = "q"
    default: other.swapAt(place, place + 1)
    }
    #expect(NearNames.isSlip(String(other), of: String(name)))
    // Twice as long and with nothing in common it is none.
    #expect(!NearNames.isSlip(String(repeating: "_é", count: name.count), of: String(name)))
  }
}
