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
      #expect(try known.mayCome(release: name), "\(name)")
    }
    #expect(try !known.mayCome(release: "App 1.2.1-11"))
    #expect(try !known.mayCome(release: "wbe-a@1.0"))
  }

  /// A release that is still to come is no slip of the hand, however near its name is.
  @Test(arguments: [
    "shop@2.1.1", "shop@2.1.10", "shop@2.2", "shop@21.0", "shop@2.1.0-rc.1", "shop2@2.1.0",
    "other@1.0.0", "other@2.1.0", "7.0.0", "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
    "api@1.11.0+8", "web@1.0-rc.11", "web@1.0", "com.shop.android@2.6.1",
    "com.shop.android@2.6.0+2601", "2.6.0+2601", "nightly-2",
  ])
  func isToCome(name: String) throws {
    let known = try Self.names([
      "shop@2.1.0", "api@1.11.0+7", "api@1.11.1", "web@1.0-rc.10", "com.shop.android@2.6.0+2600",
      "nightly",
    ])
    #expect(try known.mayCome(release: name))
    #expect(try Self.names([]).mayCome(release: name))
    let text = try known.refusal(ofRelease: name, mayCome: true)
    #expect(text.hasPrefix("There is no release \"\(name)\". There are "))
  }

  @Test(arguments: [
    ("Shop@2.1.0", "shop@2.1.0"), ("shop@v2.1.0", "shop@2.1.0"), ("shop-2.1.0", "shop@2.1.0"),
    ("shop 2.1.0", "shop@2.1.0"), ("shop@2.1", "shop@2.1.0"), ("SHOP@v2.1", "shop@2.1.0"),
    ("shop@2.1.0+7", "shop@2.1.0"), ("2.1.0", "shop@2.1.0"), ("v2.1.0", "shop@2.1.0"),
    ("2.1", "shop@2.1.0"), ("shpo@2.1.0", "shop@2.1.0"), ("shop-@2.2.0", "shop@2.1.0"),
    ("sho@3.0.0", "shop@2.1.0"), ("com.shop.android@2.6.0", "com.shop.android@2.6.0+2600"),
    ("Com.Shop.Android@2.6", "com.shop.android@2.6.0+2600"),
    ("com.shop.andriod@2.7.0", "com.shop.android@2.6.0+2600"),
    ("2.6.0", "com.shop.android@2.6.0+2600"), ("2.6.0 (2600)", "com.shop.android@2.6.0+2600"),
    ("2.6.0+2600", "com.shop.android@2.6.0+2600"),
    ("0a1b2c3", "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"),
    ("lastest", "latest"), ("LATEST", "latest"), ("Latest", "latest"),
  ])
  func isMeant(name: String, meant: String) throws {
    let known = try Self.names([
      "shop@2.1.0", "api@1.11.0", "com.shop.android@2.6.0+2600",
      "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
    ])
    #expect(try !known.mayCome(release: name))
    let text = try known.refusal(ofRelease: name, mayCome: true)
    #expect(text.hasPrefix("There is no release \"\(name)\"; near: \"\(meant)\"."), "\(text)")
  }

  /// Where releases without a package are versions, another one may follow; and a package that has
  /// releases is meant, however near another one is.
  @Test func whatHasReleasesMayHaveMore() throws {
    let known = try Self.names(["shop@2.1.0", "9", "shpo@1", "sho@1", "shop-@1"])
    for name in ["2.1.0", "v2.1.0", "2.1", "shpo@2.1.0", "shop-@2.2.0", "sho@3.0.0"] {
      #expect(try known.mayCome(release: name), "\(name)")
    }
    #expect(try !known.mayCome(release: "Shop@2.1.0"))
    #expect(try !known.mayCome(release: "shop-2.1.0"))
  }

  /// No session can bring what ingest refuses.
  @Test(arguments: ["a/b", "a\\b", "..", "a\u{7}", "  ", String(repeating: "x", count: 201)])
  func whatIngestRefusesDoesNotCome(name: String) throws {
    for known in [try Self.names(["shop@2.1.0"]), try Self.names([])] {
      #expect(try !known.mayCome(release: name))
      let text = try known.refusal(ofRelease: name, mayCome: true)
      #expect(text == "Invalid release: \"\(name)\". \(Normalization.releaseRule)")
    }
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
