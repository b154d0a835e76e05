import Bytes
import ReleaseHealth
import Storage
import TestSupport
import Testing

/// The laws of ``SessionStore``, tested on every store.
@Suite struct SessionStoreTests {
  private static func reports(_ seed: UInt64) -> (reports: [NamedReport], SplitMix64) {
    var generator = ReportGenerator(seed: seed)
    let range =
      Contract.start.milliseconds..<Contract.after(hours: 30).milliseconds
    return ((0..<40).flatMap { _ in generator.session(startedIn: range) }, generator.random)
  }

  private static var query: HealthQuery {
    var query = Contract.query(hours: 0..<31, interval: 1)
    query.groupBy = [.release]
    query.measures = [.sessions, .users, .durations]
    return query
  }

  @Test(arguments: Conformer.allCases)
  func orderDuplicationAndGroupingChangeNoNumber(_ conformer: Conformer) throws {
    let (first, second) = (try TemporaryDirectory(), try TemporaryDirectory())
    let (whole, parts) = (try conformer.store(in: first), try conformer.store(in: second))
    var (reports, random) = Self.reports(1)
    let now = Contract.after(hours: 31)
    _ = try whole.ingest(Contract.batch(reports, at: now))
    reports += reports.filter { _ in Bool.random(using: &random) }
    reports.shuffle(using: &random)
    while !reports.isEmpty {
      let count = Int.random(in: 1...min(20, reports.count), using: &random)
      _ = try parts.ingest(Contract.batch(Array(reports.prefix(count)), at: now))
      reports.removeFirst(count)
    }
    #expect(try parts.health(Self.query).agrees(with: whole.health(Self.query)))
  }

  /// The same users of a session with too many count, whoever of them the store knew first.
  @Test(arguments: Conformer.allCases)
  func theUsersOfASessionAreThoseWithTheLeastHashes(_ conformer: Conformer) throws {
    var random = SplitMix64(seed: 5)
    let limit = DomainLimits.usersPerSessionMax
    let hashes = (0..<limit + 30).map { _ in UserHash(value: UInt128(random.next()) << 64) }
    let least = Set(hashes.sorted { $0.value < $1.value }.prefix(limit))
    let series = Contract.series("a")
    var reports = hashes.map { hash in
      var report = Contract.report(1, .crashed, of: series)
      report.user = hash
      return report
    }
    // Sessions of the users that are to be kept: a kept user beyond them would be one more.
    for (id, hash) in zip(UInt64(2)..., least) {
      var report = Contract.report(id, .ok, of: series)
      report.user = hash
      reports.append(report)
    }
    for _ in 0..<5 {
      let directory = try TemporaryDirectory()
      let store = try conformer.store(in: directory)
      var rest = (reports + reports.shuffled(using: &random).prefix(40)).shuffled(using: &random)
      while !rest.isEmpty {
        let count = Int.random(in: 1...min(60, rest.count), using: &random)
        _ = try store.ingest(Contract.batch(Array(rest.prefix(count)), at: Contract.start))
        rest.removeFirst(count)
      }
      var query = Contract.query(hours: 0..<1)
      query.measures = [.users]
      let users = try store.health(query).map(\.totals.users.byWorst)
      #expect(users == [SessionCounts(crashed: Int64(limit))])
    }
  }

  @Test(arguments: Conformer.allCases)
  func aQuerySeesEveryBatchBeforeIt(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try conformer.store(in: directory)
    for id: UInt64 in 1...9 {
      _ = try store.ingest(
        Contract.batch([Contract.report(id, .ok, of: Contract.series("a"))], at: Contract.start))
      let found = try store.health(Contract.query(hours: 0..<1))
      #expect(found.map(\.totals.sessions.total) == [Int64(id)])
    }
    // Work that a store defers changes no answer.
    while try store.foldPending() != nil {}
    try store.checkWritable()
    while try store.housekeep(at: Contract.after(hours: 1)) {}
    #expect(try store.health(Contract.query(hours: 0..<1)).map(\.totals.sessions.healthy) == [9])
  }

  /// What arrives meanwhile is in none of the numbers, and in all of the next.
  @Test(arguments: Conformer.allCases)
  func aSnapshotIsOfOneMoment(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try conformer.store(in: directory)
    func arrive(_ id: UInt64) throws(StoreError) {
      let report = Contract.report(id, .crashed, of: Contract.series("a\(id)"))
      _ = try store.ingest(Contract.batch([report], at: Contract.start))
    }
    let query = Contract.query(hours: 0..<1)
    var hourly = query
    hourly.intervalMinutes = 60
    try arrive(1)
    let found = try store.snapshot { (snapshot) throws(StoreError) -> [Int64] in
      let first = try snapshot.health(query)[0].totals.sessions.total
      try arrive(2)
      let then = try snapshot.health(query)[0].totals.sessions.total
      let explained = try snapshot.history(hourly).buckets[0].counts.total
      try arrive(3)
      let releases = try snapshot.releases(of: Contract.organization).count
      return [first, then, explained, Int64(releases)]
    }
    #expect(found == [1, 1, 1, 1])
    #expect(try store.health(query)[0].totals.sessions.total == 3)
  }

  @Test(arguments: Conformer.allCases)
  func theSessionsOfASplitRangeAddUp(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try conformer.store(in: directory)
    _ = try store.ingest(Contract.batch(Self.reports(2).reports, at: Contract.after(hours: 31)))
    func sum(_ hours: Range<Int>) throws -> SessionCounts {
      try store.health(Contract.query(hours: hours)).first?.totals.sessions ?? SessionCounts()
    }
    var halves = try sum(0..<13)
    halves += try sum(13..<31)
    #expect(try halves == sum(0..<31) && halves.total == 40)
    for group in try store.health(Self.query) {
      #expect(
        group.series.reduce(into: SessionCounts()) { $0 += $1.sessions } == group.totals.sessions)
    }
  }
}
