import Bytes
import ReleaseHealth
import SQLiteStorage
import Storage
import TestSupport
import Testing

/// A store's lists are what the model makes of all that there is: filtered, sorted and cut.
@Suite struct ReleaseListTests {
  private static let versions = [
    "shop@1.0.0", "shop@1.0.0-rc.1", "shop@1.10.0+7", "shop@1.2.0+12", "shop@1.2.0+abc", "web@3.1",
    "web@3.1+4", "Web@4", "a1b2", "shop@2.0", "tool@1", "unseen@1",
  ]
  private static let environments = ["", "production", "Staging", "\u{e9}", "e\u{301}"]

  /// Fills both stores with the same releases, sessions, adoption and deploys.
  private static func fill(
    _ stores: [any ContractStore], _ random: inout SplitMix64
  ) throws {
    for (index, version) in versions.enumerated() {
      // Some were created at the same time.
      let created = Contract.after(hours: index / 2)
      if Int.random(in: 0..<3, using: &random) == 0 || version == "unseen@1" {
        var change = ReleaseChange(version: version)
        change.status = Bool.random(using: &random) ? .archived : .open
        if Bool.random(using: &random) { change.released = created }
        if Bool.random(using: &random) { change.projects = [Contract.one] }
        for store in stores {
          _ = try store.saveRelease(change, of: Contract.organization, at: created)
        }
      }
      if version == "unseen@1" { continue }
      var batch = IngestBatch(receivedAt: created)
      for project in [Contract.one, Contract.two] where Bool.random(using: &random) {
        for environment in environments where Bool.random(using: &random) {
          batch.add(
            AggregatedSessions(
              correctedStart: created,
              counts: SessionCounts(healthy: [1, 300].randomElement(using: &random)!)),
            of: SeriesKey(
              project: project, release: version,
              environment: environment.isEmpty ? nil : environment))
        }
      }
      for store in stores { try store.ingest(batch) }
    }
    for version in versions.shuffled(using: &random).prefix(5) {
      let named = [[], [Contract.one], [Contract.one, Contract.two]].randomElement(using: &random)!
      // A deploy is of projects that its release is of.
      let release = try stores[1].releases(
        named: [version], of: Contract.organization, withDeploys: false)
      let deploy = Deploy(
        projects: named.filter { release.first?.projects.contains($0) == true },
        environment: ["production", "deployed"].randomElement(using: &random)!,
        finished: Contract.start)
      for store in stores {
        _ = try store.addDeploy(deploy, ofRelease: version, of: Contract.organization)
      }
    }
    for hour in [1, 5, 12] {
      for store in stores { _ = try store.runAdoption(at: Contract.after(hours: hour)) }
    }
  }

  private static func list(_ random: inout SplitMix64) -> ReleaseList {
    let all: Set<ProjectID> = [Contract.one, Contract.two]
    let projects = [all, [Contract.one], [Contract.two]].randomElement(using: &random)!
    var list = ReleaseList(
      of: Contract.organization, projects: projects,
      limit: Int.random(in: 1...6, using: &random))
    list.isOfAllProjects = projects == all && Bool.random(using: &random)
    if Bool.random(using: &random) {
      list.environments = EnvironmentSelection(
        Array((environments + ["deployed", "none"]).shuffled(using: &random).prefix(2)))
    }
    list.status = [nil, nil, .open, .archived].randomElement(using: &random)!
    if Int.random(in: 0..<4, using: &random) == 0 {
      list.dates = Contract.after(hours: 1)...Contract.after(hours: 4)
    }
    let filters: [SeriesFilter] = [
      .everything, .everything, .any([]), .releaseMatches(TextPattern("SHOP@*")),
      .not(.package("shop")), .stages([.adopted]), .stages([.lowAdoption]),
    ]
    list.ofFinalized = filters.randomElement(using: &random)!
    list.ofOthers = filters.randomElement(using: &random)!
    list.isFlat = Bool.random(using: &random)
    list.offset = Int.random(in: 0...3, using: &random)
    var ranks: [GroupKey: Double] = [:]
    for version in versions.shuffled(using: &random).prefix(6) {
      for project in all {
        ranks[GroupKey(project: project, release: version)] =
          Double(Int.random(in: 0...3, using: &random))
      }
    }
    let orders: [ReleaseList.Order] = [.created, .createdAscending, .version, .build, .adoption]
    let order = (list.isFlat ? orders + [.ranks(ranks)] : orders).randomElement(using: &random)!
    list.order = order
    return list
  }

  @Test(arguments: 0..<6 as Range<UInt64>)
  func listsAreThoseOfTheModel(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let directory = try TemporaryDirectory()
    let stores = try Conformer.allCases.map { try $0.store(in: directory) }
    try Self.fill(stores, &random)
    let (store, model) = (stores[0], stores[1])
    let all = try model.releases(of: Contract.organization, withDeploys: true)
    #expect(all.count > 6)
    #expect(
      try Set(store.releases(of: Contract.organization, withDeploys: true).map(\.version))
        == Set(all.map(\.version)))
    var found = 0
    for _ in 0..<200 {
      var list = Self.list(&random)
      let expected = try model.releases(list)
      #expect(try store.releases(list) == expected, "\(list)")
      found += expected.count
      guard let first = expected.first, !list.isFlat else { continue }
      for order in [ReleaseList.Order.created, .createdAscending] {
        (list.order, list.after) = (order, first)
        #expect(try store.releases(list) == model.releases(list), "\(list)")
      }
    }
    #expect(found > 150)
    for environments in [EnvironmentSelection(), EnvironmentSelection(["production", ""])] {
      let projects: Set<ProjectID> = [Contract.one, Contract.two]
      let some = Array(all.shuffled(using: &random).prefix(5))
      #expect(
        try store.versionPlaces(
          of: some, in: Contract.organization, projects: projects, environments)
          == model.versionPlaces(
            of: some, in: Contract.organization, projects: projects, environments))
    }
  }

  @Test(arguments: 0..<3 as Range<UInt64>)
  func environmentsAreThoseOfTheModel(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let directory = try TemporaryDirectory()
    let stores = try Conformer.allCases.map { try $0.store(in: directory) }
    try Self.fill(stores, &random)
    let (store, model) = (stores[0], stores[1])
    let selection = EnvironmentSelection(Self.environments + ["deployed", "none"])
    for projects in [[Contract.one], [Contract.two], [Contract.one, Contract.two], []] {
      let projects = Set(projects)
      #expect(try store.haveSessions(projects) == model.haveSessions(projects))
      #expect(
        try store.used(selection, in: projects) == model.used(selection, in: projects))
      for offset in 0...2 {
        var list = EnvironmentList(of: Contract.organization, in: projects, limit: 2)
        list.offset = offset
        #expect(try store.environments(list) == model.environments(list))
      }
      var list = EnvironmentList(of: Contract.organization, in: projects, limit: 9)
      list.name = Name("\u{e9}")
      #expect(try store.environments(list) == model.environments(list))
    }
  }

  /// Of very many groups those with the most sessions are counted, with all that they have.
  @Test func theLargestGroupsAreCounted() throws {
    let directory = try TemporaryDirectory()
    for conformer in Conformer.allCases {
      let store = try conformer.store(in: directory)
      var batch = IngestBatch(receivedAt: Contract.start)
      for number in 1...20 {
        batch.add(
          AggregatedSessions(
            correctedStart: Contract.start, counts: SessionCounts(healthy: Int64(number))),
          of: Contract.series("a@\(number)", ["x", "y"][number % 2]))
      }
      try store.ingest(batch)
      var query = Contract.query(hours: 0..<1, interval: 1)
      query.groupBy = [.release]
      query.groupsMax = 3
      let groups = try store.health(query)
      #expect(groups.map(\.key.release) == ["a@18", "a@19", "a@20"])
      #expect(groups.map(\.totals.sessions.healthy) == [18, 19, 20])
      #expect(groups.map(\.series.count) == [1, 1, 1])
      query.groupsMax = 20
      #expect(try store.health(query).count == 20)
    }
  }

  /// Where there are very many series, those of a few releases are looked up one by one.
  @Test func aFewOfVeryManyReleasesAreCounted() throws {
    let directory = try TemporaryDirectory()
    let store = try Conformer.sqlite.store(in: directory)
    var batch = IngestBatch(receivedAt: Contract.start)
    for number in 1...10_050 {
      batch.add(
        AggregatedSessions(
          correctedStart: Contract.start, counts: SessionCounts(healthy: Int64(number))),
        of: Contract.series("a@\(number)", ["x", "y"][number % 2]))
    }
    try store.ingest(batch)
    func sums(_ filter: SeriesFilter) throws -> [Int64] {
      var query = Contract.query(hours: 0..<1)
      query.filter = filter
      query.groupBy = [.release]
      return try store.health(query).map(\.totals.sessions.total)
    }
    let names: Set = [Name("a@7"), Name("a@8"), Name("unknown")]
    #expect(try sums(.releases(names)) == [7, 8])
    #expect(try sums(.all([.environments(EnvironmentSelection(["x"])), .releases(names)])) == [8])
    #expect(try sums(.any([.release("a@7"), .release("a@10050")])) == [10_050, 7])
    #expect(try sums(.any([.release("a@7"), .releaseMatches(TextPattern("A@8"))])) == [7])
    #expect(try sums(.groups([GroupKey(release: "a@9")], by: [.release])) == [9])
    #expect(try sums(.not(.releases(names))).count == 10_048)
    #expect(try sums(.any([])).isEmpty)
  }
}
