import Bytes
import ReleaseHealth
import SQLiteStorage
import Storage
import TestSupport
import Testing

/// A filter selects the same series in every store: those that match its conditions, which are
/// written here a second time as plain predicates.
@Suite struct SeriesFilterTests {
  private static let hour = 490_896

  /// A release with the parts of its name.
  private struct Release {
    var name: String
    var package: String?
    var numbers: [UInt64]?
    var build: String?
  }

  private static let releases = [
    Release(name: "shop@1.0.0", package: "shop", numbers: [1, 0, 0, 0]),
    Release(name: "shop@1.2.0+7", package: "shop", numbers: [1, 2, 0, 0], build: "7"),
    Release(name: "shop@1.10.0+42", package: "shop", numbers: [1, 10, 0, 0], build: "42"),
    Release(name: "Shop@1.2.0", package: "Shop", numbers: [1, 2, 0, 0]),
    Release(name: "web@1.2.3.4+abc", package: "web", numbers: [1, 2, 3, 4], build: "abc"),
    Release(name: "nightly"),
  ]

  /// A series with its adoption stage, as the predicates see it.
  private struct Seen {
    var project: Int64
    var release: Release
    /// The environment; empty for none.
    var environment: String
    var stage: AdoptionStage
  }

  private typealias Meaning = (Seen) -> Bool

  private static func version(_ text: String) throws -> ReleaseVersion.Semver {
    try #require(ReleaseVersion("-@" + text).semver)
  }

  /// Every kind of condition with its predicate.
  private static func leaves() throws -> [(SeriesFilter, Meaning)] {
    func isLess(_ left: [UInt64], _ right: [UInt64]) -> Bool {
      left.lexicographicallyPrecedes(right)
    }
    let projects: Set<ProjectID> = [ProjectID(rawValue: 2)]
    return [
      (.everything, { _ in true }),
      (.any([]), { _ in false }),
      (.projects(projects), { $0.project == 2 }),
      (.release("nightly"), { $0.release.name == "nightly" }),
      (
        .releases([Name("shop@1.0.0"), Name("Shop@1.2.0")]),
        { ["shop@1.0.0", "Shop@1.2.0"].contains($0.release.name) }
      ),
      (
        .releaseMatches(TextPattern(pieces: ["SHOP@", ""])),
        { $0.release.name.lowercased().hasPrefix("shop@") }
      ),
      (.releaseMatches(TextPattern(pieces: ["Shop@1.2.0"])), { $0.release.name == "Shop@1.2.0" }),
      (.releaseMatches(TextPattern(containing: "1.2")), { $0.release.numbers?[1] == 2 }),
      (.package("shop"), { $0.release.package == "shop" }),
      (.package(nil), { $0.release.package == nil }),
      (
        .packageMatches(TextPattern(pieces: ["", "o", ""])),
        { $0.release.package?.lowercased() == "shop" }
      ),
      (
        .version(VersionComparison(.above, package: nil, wanted: try version("1.2"))),
        { $0.release.numbers.map { isLess([1, 2, 0, 0], $0) } ?? false }
      ),
      (
        .version(VersionComparison(.atMost, package: "shop", wanted: try version("1.2"))),
        { $0.release.package == "shop" && !isLess([1, 2, 0, 0], $0.release.numbers ?? []) }
      ),
      (
        .version(
          VersionComparison(.equal, package: nil, wanted: try version("1.2"), components: 2)),
        { $0.release.numbers?.prefix(2) == [1, 2] }
      ),
      (
        .build(
          BuildComparison(.below, wanted: 42, pattern: TextPattern(pieces: ["<42"]))),
        { $0.release.build == "7" }
      ),
      (
        .build(BuildComparison(.equal, wanted: nil, pattern: TextPattern(pieces: ["a", ""]))),
        { $0.release.build == "abc" }
      ),
      (.environments(EnvironmentSelection()), { _ in true }),
      (
        .environments(EnvironmentSelection(["", "prod"])),
        { $0.environment.isEmpty || $0.environment == "prod" }
      ),
      (.environmentMatches(TextPattern(pieces: ["", ""])), { !$0.environment.isEmpty }),
      (.environmentMatches(TextPattern(pieces: [""])), { $0.environment.isEmpty }),
      (.stages([.adopted]), { $0.stage == .adopted }),
      (.stages([.replaced, .lowAdoption]), { $0.stage != .adopted }),
      (
        .groups(
          [
            GroupKey(project: ProjectID(rawValue: 1), environment: ""),
            GroupKey(project: ProjectID(rawValue: 2), environment: "prod"),
          ], by: [.project, .environment]),
        { $0.project == 1 && $0.environment.isEmpty || $0.project == 2 && $0.environment == "prod" }
      ),
    ]
  }

  private static func tree(
    depth: Int, of leaves: [(SeriesFilter, Meaning)], _ random: inout SplitMix64
  ) -> (SeriesFilter, Meaning) {
    guard depth > 0, Int.random(in: 0..<5, using: &random) > 0 else {
      return leaves.randomElement(using: &random)!
    }
    if Int.random(in: 0..<4, using: &random) == 0 {
      let (filter, holds) = tree(depth: depth - 1, of: leaves, &random)
      return (.not(filter), { !holds($0) })
    }
    let parts = (0..<Int.random(in: 0...3, using: &random)).map { _ in
      tree(depth: depth - 1, of: leaves, &random)
    }
    return Bool.random(using: &random)
      ? (.all(parts.map(\.0)), { seen in parts.allSatisfy { $0.1(seen) } })
      : (.any(parts.map(\.0)), { seen in parts.contains { $0.1(seen) } })
  }

  @Test(arguments: 0..<2 as Range<UInt64>)
  func everyStoreSelectsWhatAFilterSays(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let directory = try TemporaryDirectory()
    let store = try SQLiteStore(.init(path: directory.path + "/hale.db", newSecret: secret))
    try prepareCatalog(store)
    let model = ReferenceStore()
    // A release that first has most sessions and later hardly any is adopted, and then replaced.
    for hour in [Self.hour, Self.hour + 8] {
      var batch = IngestBatch(receivedAt: Timestamp(minute: hour * 60 + 1))
      for release in Self.releases {
        for project: Int64 in 1...2 {
          for environment in [nil, "prod", "Prod"] {
            batch.add(
              AggregatedSessions(
                correctedStart: Timestamp(minute: hour * 60),
                counts: SessionCounts(healthy: [1, 1, 200].randomElement(using: &random)!)),
              of: SeriesKey(
                project: ProjectID(rawValue: project), release: release.name,
                environment: environment))
          }
        }
      }
      try store.ingest(batch)
      try model.ingest(batch)
      for project: Int64 in 1...2 {
        try store.runAdoption(of: ProjectID(rawValue: project), hour: hour + 1)
      }
    }
    let projects: Set<ProjectID> = [ProjectID(rawValue: 1), ProjectID(rawValue: 2)]
    var stages: [SeriesKey: AdoptionStage] = [:]
    var seen: [(key: GroupKey, seen: Seen)] = []
    for record in try store.releases(of: OrganizationID(rawValue: 1)) {
      let release = try #require(Self.releases.first { $0.name == record.version })
      for place in record.places {
        let series = SeriesKey(
          project: place.project, release: release.name, environment: place.environment)
        stages[series] = place.adoption.stage
        seen.append(
          (
            GroupKey(
              project: place.project, release: release.name, environment: place.environment ?? ""),
            Seen(
              project: place.project.rawValue, release: release,
              environment: place.environment ?? "", stage: place.adoption.stage)
          ))
      }
    }
    model.setStages(stages)
    #expect(Set(stages.values) == Set(AdoptionStage.allCases) && seen.count == 36)

    let leaves = try Self.leaves()
    let trees = leaves + (0..<40).map { _ in Self.tree(depth: 4, of: leaves, &random) }
    for (filter, holds) in trees {
      var query = HealthQuery(
        projects: projects, minutes: Self.hour * 60..<(Self.hour + 9) * 60)
      query.groupBy = [.project, .release, .environment]
      query.filter = filter
      let expected = seen.filter { holds($0.seen) }.map(\.key).sorted()
      let answer = try store.health(query)
      #expect(answer.map(\.key) == expected, "\(filter)")
      #expect(try answer.agrees(with: model.health(query)), "\(filter)")
    }
  }
}
