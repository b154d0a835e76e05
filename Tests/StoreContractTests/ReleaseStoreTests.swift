import Bytes
import ReleaseHealth
import Storage
import TestSupport
import Testing

/// The laws of ``ReleaseStore``, tested on every store.
@Suite struct ReleaseStoreTests {
  private static let organization = Contract.organization

  @Test(arguments: Conformer.allCases)
  func aReleaseIsMadeOnceAndThenChanged(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try conformer.store(in: directory)
    var change = ReleaseChange(version: "a@1")
    change.projects = [Contract.two]
    change.ref = "abc"
    #expect(try store.saveRelease(change, of: Self.organization, at: Contract.start))
    var second = ReleaseChange(version: "a@1")
    second.projects = [Contract.one, Contract.two]
    second.url = "https://example.org"
    second.released = Contract.after(hours: 2)
    second.status = .archived
    #expect(
      try !store.saveRelease(second, of: Self.organization, at: Contract.after(hours: 1)))
    let record = try #require(try store.releases(of: Self.organization).first)
    #expect(record.version == "a@1" && record.created == Contract.start)
    #expect(record.ref == "abc" && record.url == "https://example.org")
    #expect(record.released == Contract.after(hours: 2) && record.status == .archived)
    #expect(record.projects == [Contract.one, Contract.two] && record.places.isEmpty)
    // A name that only looks the same is a different one.
    #expect(
      try store.saveRelease(
        ReleaseChange(version: "A@1"), of: Self.organization, at: Contract.after(hours: 3)))
    #expect(try store.releases(of: Self.organization).map(\.version) == ["A@1", "a@1"])
    #expect(try store.releases(of: OrganizationID(rawValue: 2)).isEmpty)
  }

  @Test(arguments: Conformer.allCases)
  func aReleaseWithSessionsStays(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try conformer.store(in: directory)
    _ = try store.saveRelease(
      ReleaseChange(version: "empty"), of: Self.organization, at: Contract.start)
    _ = try store.ingest(
      Contract.batch([Contract.report(1, .ok, of: Contract.series("a"))], at: Contract.start))
    #expect(try store.deleteRelease(version: "empty", of: Self.organization))
    #expect(try !store.deleteRelease(version: "empty", of: Self.organization))
    #expect(throws: StoreError.releaseHasSessions) {
      try store.deleteRelease(version: "a", of: Self.organization)
    }
    #expect(try store.releases(of: Self.organization).map(\.version) == ["a"])
  }

  @Test(arguments: Conformer.allCases)
  func sessionsTellWhereAReleaseIsUsed(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try conformer.store(in: directory)
    let counted = NamedAggregate(
      series: Contract.series("a", nil, of: Contract.two),
      AggregatedSessions(
        correctedStart: Contract.after(hours: 7), counts: SessionCounts(healthy: 1)))
    _ = try store.ingest(
      Contract.batch([Contract.report(1, .ok, of: Contract.series("a"))], at: Contract.start))
    _ = try store.ingest(Contract.batch([], at: Contract.after(hours: 7), [counted]))
    let record = try #require(try store.releases(of: Self.organization).first)
    #expect(record.created == Contract.start && record.projects == [Contract.one, Contract.two])
    #expect(
      record.places == [
        .init(
          project: Contract.one, environment: "production", firstSeen: Contract.start,
          adoption: AdoptionTimes()),
        .init(
          project: Contract.two, environment: nil, firstSeen: Contract.after(hours: 7),
          adoption: AdoptionTimes()),
      ])
    func hours(_ projects: Set<ProjectID>, _ environments: [String] = []) throws -> [Int] {
      let hours = try store.sessionHours(
        ofRelease: record.id, projects: projects, environments: EnvironmentSelection(environments))
      return hours.map { [$0.lowerBound, $0.upperBound].map { $0 - Contract.start.hour } } ?? []
    }
    #expect(try hours([Contract.one, Contract.two]) == [0, 7])
    #expect(try hours([Contract.one]) == [0, 0] && hours([Contract.one], [""]) == [])
    #expect(try hours([Contract.one, Contract.two], [""]) == [7, 7])
    var (single, aggregates) = (ProjectUse(), ProjectUse())
    single.environments = ["production"]
    single.hasSingleSessions = true
    aggregates.environments = [""]
    aggregates.hasAggregates = true
    #expect(
      try store.uses(of: Self.organization) == [Contract.one: single, Contract.two: aggregates])
  }

  @Test(arguments: Conformer.allCases)
  func adoptionIsRunOnceAnHour(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try conformer.store(in: directory)
    func times(_ release: String) throws -> AdoptionTimes? {
      try store.releases(of: Self.organization).first { $0.version == release }?.places[0].adoption
    }
    for (id, release) in [(1, "a"), (2, "b")] as [(UInt64, String)] {
      let hour = id == 1 ? 0 : 7
      _ = try store.ingest(
        Contract.batch(
          [
            Contract.report(
              id, .ok, of: Contract.series(release), started: Contract.after(hours: hour))
          ], at: Contract.after(hours: hour)))
      #expect(try store.runAdoption(at: Contract.after(hours: hour + 1)) == (id == 1 ? 1 : 6))
      #expect(try store.runAdoption(at: Contract.after(hours: hour + 1)) == 0)
    }
    #expect(
      try times("a")
        == AdoptionTimes(adopted: Contract.after(hours: 1), unadopted: Contract.after(hours: 8)))
    #expect(try times("b") == AdoptionTimes(adopted: Contract.after(hours: 8)))
    // A replay of a history hour by hour runs the job for its project only.
    _ = try store.ingest(
      Contract.batch(
        [
          Contract.report(
            3, .ok, of: Contract.series("c", of: Contract.two), started: Contract.after(hours: 9))
        ], at: Contract.after(hours: 9)))
    try store.runAdoption(of: Contract.one, hour: Contract.start.hour + 10)
    #expect(try times("c") == AdoptionTimes())
    try store.runAdoption(of: Contract.two, hour: Contract.start.hour + 10)
    #expect(try times("c") == AdoptionTimes(adopted: Contract.after(hours: 10)))
    #expect(try store.runAdoption(at: Contract.after(hours: 9)) == 1)
  }

  private func deploy(_ hour: Int, _ generator: inout ReportGenerator) -> Deploy {
    let projects = [[Contract.one], [Contract.two], [Contract.one, Contract.two]]
      .randomElement(using: &generator.random)!
    return Deploy(
      projects: projects, environment: hour % 3 == 0 ? "staging" : "canary",
      finished: Contract.after(hours: 12 - hour))
  }

  /// Two stores have the same releases after random histories.
  @Test(arguments: 0..<3 as Range<UInt64>)
  func storesKnowTheSameReleases(seed: UInt64) throws {
    let directory = try TemporaryDirectory()
    let store = try Conformer.sqlite.store(in: directory)
    let model = try Conformer.reference.store(in: directory)
    var generator = ReportGenerator(seed: seed)
    for hour in 0..<12 {
      let range =
        Contract.after(hours: hour)
        .milliseconds..<Contract.after(hours: hour + 1)
        .milliseconds
      generator.releases = [["shop@1.0.0"], ["shop@1.0.0", "shop@2.0.0"], ["web@3"]][hour / 4]
      let batch = Contract.batch(
        (0..<6).flatMap { _ in generator.session(startedIn: range) },
        at: Contract.after(hours: hour + 1), [generator.aggregate(startedIn: range)])
      let deploy = deploy(hour, &generator)
      for one in [store, model] {
        _ = try one.ingest(batch)
        _ = try one.runAdoption(at: Contract.after(hours: hour + 1))
        _ = try one.addDeploy(deploy, ofRelease: "shop@1.0.0", of: Self.organization)
      }
    }
    func known(_ store: any ContractStore) throws -> [ReleaseRecord] {
      try store.releases(of: Self.organization).map { record in
        var record = record
        record.id = 0
        record.places.sort {
          ($0.project, $0.environment ?? "") < ($1.project, $1.environment ?? "")
        }
        return record
      }
      .sorted { Name($0.version) < Name($1.version) }
    }
    #expect(try known(store) == known(model))
    #expect(try store.uses(of: Self.organization) == model.uses(of: Self.organization))
  }
}
