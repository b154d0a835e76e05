import ReleaseHealth
import Storage
import TestSupport
import Testing

@Suite struct KnownNamesTests {
  private static let shop = ProjectID(rawValue: 1)
  private static let other = ProjectID(rawValue: 2)

  private static func names(
    _ releases: [String], environments: [String] = [], of projects: Set<ProjectID> = [shop]
  ) throws -> KnownNames {
    let (store, organization) = (ReferenceStore(), OrganizationID(rawValue: 1))
    for release in releases {
      var change = ReleaseChange(version: release)
      change.projects = [shop]
      _ = try store.saveRelease(change, of: organization, at: Timestamp(seconds: 0))
    }
    var batch = IngestBatch(receivedAt: Timestamp(seconds: 0))
    for environment in environments {
      batch.add(
        AggregatedSessions(
          correctedStart: Timestamp(seconds: 0), counts: SessionCounts(healthy: 1)),
        of: SeriesKey(
          project: shop, release: releases[0],
          environment: environment.isEmpty ? nil : environment))
    }
    try store.ingest(batch)
    return KnownNames(of: organization, projects, store)
  }

  /// Other numbers are another release, and `web-b` is another package than `web-a`.
  @Test func separatorsOfNumbersCount() throws {
    let known = try Self.names(["app@1.2.1-11", "web-a@1.0"])
    for name in ["app@1.2.11-1", "app@1.2-111", "web-b@1.0"] {
      #expect(try !known.resembles(release: name), "\(name)")
    }
    #expect(try known.resembles(release: "App 1.2.1-11"))
    #expect(try known.resembles(release: "wbe-a@1.0"))
  }

  /// A release that is still to come is no slip of the hand, however near its name is.
  @Test(arguments: [
    ("shop@2.1.1", false), ("shop@2.1.10", false), ("shop@2.1", false), ("shop@21.0", false),
    ("shop@2.1.0-rc.1", false), ("shop@2.1.0+7", false), ("shop2@2.1.0", false),
    ("other@1.0.0", false), ("other@2.1.0", false), ("7.0.0", false),
    ("0a1b2c3d4e5f60718293a4b5c6d7e8f901234567", false),
    ("Shop@2.1.0", true), ("shop@v2.1.0", true), ("shop-2.1.0", true), ("shop 2.1.0", true),
    ("2.1.0", true), ("v2.1.0", true), ("shpo@2.1.0", true), ("shop-@2.2.0", true),
    ("sho@3.0.0", true),
  ])
  func resemblance(name: String, resembles: Bool) throws {
    let known = try Self.names(["shop@2.1.0", "api@1.11.0"])
    #expect(try known.resembles(release: name) == resembles)
    // Nothing resembles where nothing is known, and a package that has releases is meant.
    #expect(try !Self.names([]).resembles(release: name))
    let isForm = ["Shop@2.1.0", "shop@v2.1.0", "shop-2.1.0", "shop 2.1.0"].contains(name)
    #expect(
      try Self.names(["shop@2.1.0", "9", "shpo@1", "sho@1", "shop-@1"]).resembles(release: name)
        == isForm)
  }

  @Test func environments() throws {
    let known = try Self.names(["shop@1"], environments: ["", "production", "staging"])
    #expect(try known.refusal(of: EnvironmentSelection()) == nil)
    #expect(try known.refusal(of: EnvironmentSelection([""])) == nil)
    #expect(try known.refusal(of: EnvironmentSelection(["production", "staging"])) == nil)
    #expect(
      try known.refusal(of: EnvironmentSelection(["production", "prod"]))
        == "There is no environment \"prod\"; near: \"production\". There are production, staging.")
    // The same text of other bytes is another environment, as in the store.
    let composed = try Self.names(["shop@1"], environments: ["pr\u{fc}fung"])
    #expect(try composed.refusal(of: EnvironmentSelection(["pr\u{fc}fung"])) == nil)
    #expect(try composed.refusal(of: EnvironmentSelection(["pru\u{308}fung"])) != nil)
    #expect(try known.unknown(of: EnvironmentSelection((0..<50).map { "e\($0)" })).count == 20)
    #expect(try !known.haveNoSessions())
    #expect(try Self.names(["shop@1"]).haveNoSessions())
  }

  @Test func otherProjectsHaveOtherNames() throws {
    #expect(try Self.names(["shop@1"], environments: ["production"]).release("shop@1") != nil)
    let other = try Self.names(["shop@1"], environments: ["production"], of: [Self.other])
    #expect(try other.release("shop@1") == nil)
    #expect(try other.haveNoSessions())
  }
}
