import Bytes
import ReleaseHealth
import Storage
import TestSupport
import Testing

/// The laws of ``OutcomeStore``, tested on every store.
@Suite struct OutcomeStoreTests {
  private static func key(_ outcome: Outcome, _ project: ProjectID = Contract.one) -> OutcomeKey {
    OutcomeKey(project: project, outcome: outcome)
  }

  @Test(arguments: Conformer.allCases)
  func outcomesStandInTheHourOfTheirArrival(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try conformer.store(in: directory)
    let series = Contract.series("a")
    let report = Contract.report(1, .ok, of: series)
    for (hour, count) in [(0, 2), (1, 3), (4, 1)] {
      var batch = Contract.batch(
        Array(repeating: report, count: count), at: Contract.after(hours: hour))
      batch.outcomes[Self.key(.rejected(.invalidStart), Contract.two)] = 7
      _ = try store.ingest(batch)
    }
    let first = Contract.start.hour
    let found = try store.outcomes(
      of: [Contract.one], hours: first..<first + 5, intervalHours: 2)
    #expect(
      found == [
        [Self.key(.accepted): 5, Self.key(.repeated): 4], [:],
        [Self.key(.accepted): 1, Self.key(.repeated): 1],
      ])
    let other = try store.outcomes(
      of: [Contract.two], hours: first + 1..<first + 2, intervalHours: 1)
    #expect(other == [[Self.key(.rejected(.invalidStart), Contract.two): 7]])
  }

  @Test(arguments: Conformer.allCases)
  func aLateCrashIsOneHealthySessionLessAndOneCrashedMore(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try conformer.store(in: directory)
    let series = Contract.series("a")
    let counted = NamedAggregate(
      series: series,
      AggregatedSessions(correctedStart: Contract.start, counts: SessionCounts(healthy: 5)))
    for batch in [
      Contract.batch(
        [
          Contract.report(1, .ok, of: series),
          Contract.report(2, .ok, of: series, isInitial: false),
        ],
        at: Contract.start, [counted]),
      Contract.batch([Contract.report(1, .crashed, of: series)], at: Contract.after(hours: 3)),
      Contract.batch([Contract.report(1, .crashed, of: series)], at: Contract.after(hours: 4)),
    ] { _ = try store.ingest(batch) }
    let history = try store.history(Contract.query(hours: 0..<2, interval: 1))
    let bucket = history.buckets[0]
    var crash = SessionCounts(crashed: 1)
    crash -= SessionCounts(healthy: 1)
    #expect(history.firstKnownHour == nil && history.buckets.count == 2)
    #expect(bucket.prompt == SessionCounts(healthy: 2))
    #expect(bucket.late == [.init(time: Contract.after(hours: 3), change: crash)])
    #expect(bucket.aggregates == SessionCounts(healthy: 5))
    #expect(bucket.repeated == 1 && bucket.withoutInitial == 1)
    #expect(bucket.unlogged.isZero && bucket.startingLater.isZero)
    #expect(bucket.counts == SessionCounts(healthy: 6, crashed: 1))
    #expect(history.buckets[1] == SessionHistory.Bucket())
  }

  /// Every part of an explanation equals the model's, and together they are the counts.
  @Test(arguments: 0..<4 as Range<UInt64>)
  func storesExplainAlike(seed: UInt64) throws {
    let directory = try TemporaryDirectory()
    let store = try Conformer.sqlite.store(in: directory)
    let model = try Conformer.reference.store(in: directory)
    var generator = ReportGenerator(seed: seed)
    let range = Contract.start.milliseconds..<Contract.after(hours: 12).milliseconds
    var reports = (0..<40).flatMap { _ in generator.session(startedIn: range) }
    reports += reports.filter { _ in Int.random(in: 0..<3, using: &generator.random) == 0 }
    reports.shuffle(using: &generator.random)
    var now = Contract.after(hours: 12)
    while !reports.isEmpty {
      let count = Int.random(in: 1...min(30, reports.count), using: &generator.random)
      let batch = Contract.batch(
        Array(reports.prefix(count)), at: now,
        (0..<2).map { _ in generator.aggregate(startedIn: range) })
      reports.removeFirst(count)
      _ = try store.ingest(batch)
      _ = try model.ingest(batch)
      now = now.advanced(
        byMilliseconds: Int64.random(in: 0...3_600_000, using: &generator.random))
    }
    let first = Contract.start.hour
    let (hours, interval) = (first..<now.hour + 1, 5)
    #expect(
      try store.outcomes(
        of: [Contract.one, Contract.two], hours: hours, intervalHours: interval)
        == model.outcomes(of: [Contract.one, Contract.two], hours: hours, intervalHours: interval))
    for release in [nil, "shop@1.1.0"] {
      for (minutes, interval) in [(0..<720, 60), (0..<690, 60), (-60..<1440, 240)] {
        var query = HealthQuery(
          projects: [Contract.one, Contract.two],
          minutes: Contract.start.minute + minutes.lowerBound..<Contract.start.minute
            + minutes.upperBound)
        query.intervalMinutes = interval
        if let release { query.filter = .release(release) }
        let (found, expected) = (try store.history(query), try model.history(query))
        #expect(found.firstKnownHour == nil && expected.firstKnownHour == nil)
        #expect(found.buckets.map(Self.plain) == expected.buckets.map(Self.plain), "\(minutes)")
        let counts = try store.health(query).first?.series.map(\.sessions)
        #expect(found.buckets.map(\.counts) == counts ?? found.buckets.map { _ in .init() })
        let (log, expectedLog) = (try Self.log(store, query), try Self.log(model, query))
        #expect(log == expectedLog && !log.isEmpty)
      }
    }
  }

  /// The arrival log by step, hour and group, read from some step in its middle on.
  private static func log(
    _ store: any ContractStore, _ query: HealthQuery
  ) throws -> [String: SessionCounts] {
    var query = query
    query.minutes = query.minutes.lowerBound..<(query.minutes.upperBound + 59) / 60 * 60
    query.groupBy = [.release]
    let whole = try store.arrivals(query, from: nil)
    #expect(try store.firstArrivalHour() == nil)
    #expect(whole.next == nil && whole.changes.map(\.step) == whole.changes.map(\.step).sorted())
    let middle = whole.changes[whole.changes.count / 2].step
    let rest = try store.arrivals(query, from: middle)
    #expect(sums(rest) == sums(whole) { $0.step >= middle })
    return sums(whole)
  }

  private static func sums(
    _ page: ArrivalPage, where counts: (ArrivalChange) -> Bool = { _ in true }
  ) -> [String: SessionCounts] {
    var sums: [String: SessionCounts] = [:]
    for change in page.changes where counts(change) {
      let key = "\(change.step) \(change.hour) \(change.key.release ?? "")"
      sums[key, default: SessionCounts()] += change.change
    }
    return sums.filter { !$0.value.isZero }
  }

  /// Changes that cancel each other are optional.
  private static func plain(_ bucket: SessionHistory.Bucket) -> SessionHistory.Bucket {
    var bucket = bucket
    bucket.late.removeAll { $0.change.isZero }
    return bucket
  }
}
