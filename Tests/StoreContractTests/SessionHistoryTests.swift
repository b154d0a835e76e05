import ReleaseHealth
import SQLiteStorage
import Storage
import TestSupport
import Testing

/// Explanations of random histories add up to the store's counts, and every part is what arrived
/// then in the model.
@Suite struct SessionHistoryTests {
  /// The sessions that started in an hour, by the step in which their updates arrived.
  private struct Key: Hashable {
    var step: Int
    var hour: Int
  }

  private static let projects: Set<ProjectID> = [
    ProjectID(rawValue: 1), ProjectID(rawValue: 2),
  ]

  @Test(arguments: 0..<8 as Range<UInt64>)
  func anyHistoryIsExplained(seed: UInt64) throws {
    let directory = try TemporaryDirectory()
    let store = try SQLiteStore(.init(path: directory.path + "/hale.db", newSecret: secret))
    try prepareCatalog(store)
    let identified = ReferenceStore()
    let aggregated = ReferenceStore()
    var generator = ReportGenerator(seed: seed)
    var now = Timestamp(seconds: 1_767_225_600 + 1234)
    let firstHour = now.hour - 5 * 24 - 1
    let withoutEnvironment = SeriesFilter.environments(EnvironmentSelection([""]))
    let chosen: SeriesFilter =
      switch seed % 3 {
      case 0: .everything
      case 1: .not(.any([.release("shop@1.1.0"), withoutEnvironment]))
      // Few enough series that they are looked up one by one.
      default: .all([.release("shop@1.1.0"), withoutEnvironment])
      }
    func query(hours: Range<Int>, interval: Int) -> HealthQuery {
      var query = HealthQuery(
        projects: Self.projects, minutes: hours.lowerBound * 60..<hours.upperBound * 60)
      query.intervalMinutes = interval * 60
      query.filter = chosen
      return query
    }
    func series(_ store: ReferenceStore) throws -> [SessionCounts] {
      let hours = query(hours: firstHour..<now.hour + 2, interval: 1)
      let found = try store.health(hours).first?.series.map(\.sessions)
      return found ?? Array(repeating: SessionCounts(), count: hours.bucketCount)
    }

    var expected: [Key: SessionCounts] = [:]
    var repeated: Int64 = 0
    /// Whether an update with `init` arrived, by session.
    var begun: [SessionKey: Bool] = [:]
    for _ in 0..<5 {
      let range = now.milliseconds - 5 * RandomHistoryTests.day + 60_000..<now.milliseconds + 60_000
      var reports = (0..<25).flatMap { _ in generator.session(startedIn: range) }
      reports += reports.filter { _ in Int.random(in: 0..<3, using: &generator.random) == 0 }
      reports.shuffle(using: &generator.random)
      while !reports.isEmpty {
        var batch = IngestBatch(receivedAt: now)
        let count = Int.random(in: 1...reports.count, using: &generator.random)
        let some = reports.prefix(count)
        batch.add(some)
        reports.removeFirst(count)
        for report in some {
          begun[report.key] = begun[report.key] == true || report.isInitial
        }
        let before = try series(identified)
        try identified.ingest(batch)
        for (offset, (old, new)) in zip(before, try series(identified)).enumerated() {
          var change = new
          change -= old
          expected[Key(step: now.minute / 10, hour: firstHour + offset), default: .init()] += change
        }
        var others = IngestBatch(receivedAt: now)
        others.add((0..<2).map { _ in generator.aggregate(startedIn: range) })
        try aggregated.ingest(others)
        batch.merge(others)
        repeated += try store.ingest(batch).filter { $0.key.outcome == .repeated }.values.reduce(
          0, +)
        now = now.advanced(
          byMilliseconds: Int64.random(in: 0...3_600_000, using: &generator.random))
      }
      now = now.advanced(
        byMilliseconds: Int64.random(in: 0...RandomHistoryTests.day, using: &generator.random))
      while try store.housekeep(at: now) {}
      // Whole hours, whole days, and the running hour.
      for (hours, interval) in [
        (firstHour..<now.hour + 2, 1),
        ((firstHour / 24) * 24..<(now.day + 1) * 24, 24),
        (now.hour - 30..<now.hour - 6, 6),
      ] {
        let query = query(hours: hours, interval: interval)
        let history = try store.history(query)
        #expect(history.firstKnownHour == nil && history.buckets.count == query.bucketCount)
        let answered = try store.health(query).first?.series.map(\.sessions)
        let aggregates = try aggregated.health(query).first?.series.map(\.sessions)
        for (index, bucket) in history.buckets.enumerated() {
          let start = hours.lowerBound + index * interval
          let own = expected.filter { (start..<start + interval).contains($0.key.hour) }
          var prompt = SessionCounts()
          var late: [Int: SessionCounts] = [:]
          for (key, change) in own {
            if key.step / 6 <= key.hour {
              prompt += change
            } else {
              late[key.step, default: .init()] += change
            }
          }
          #expect(bucket.counts == answered?[index] ?? .init(), "seed \(seed), \(start)")
          #expect(bucket.prompt == prompt, "seed \(seed), \(start)")
          #expect(
            bucket.late.filter { !$0.change.isZero }
              == late.filter { !$0.value.isZero }.sorted { $0.key < $1.key }.map {
                .init(time: Timestamp(minute: $0.key * 10), change: $0.value)
              }, "seed \(seed), \(start)")
          #expect(bucket.aggregates == aggregates?[index] ?? .init(), "seed \(seed), \(start)")
          #expect(bucket.unlogged.isZero && bucket.startingLater.isZero)
        }
      }
      if seed % 3 == 0 {
        let all = try store.history(query(hours: firstHour..<now.hour + 2, interval: 1))
        while let found = try store.foldPending() {
          repeated += found.filter { $0.key.outcome == .repeated }.values.reduce(0, +)
        }
        #expect(all.buckets.reduce(0) { $0 + $1.repeated } == repeated)
        let lacking = begun.values.filter { !$0 }.count
        #expect(all.buckets.reduce(0) { $0 + $1.withoutInitial } == lacking)
      }
    }
    #expect(repeated > 0)
  }

  /// A range that ends within an hour excludes sessions that start after its end, and reports them.
  @Test func theMinuteToComeStandsApart() throws {
    let directory = try TemporaryDirectory()
    let store = try SQLiteStore(.init(path: directory.path + "/hale.db", newSecret: secret))
    try prepareCatalog(store)
    let now = Timestamp(minute: 29_453_760 + 30)
    var batch = IngestBatch(receivedAt: now)
    var generator = ReportGenerator(seed: 1)
    for minute in [-29, 0, 1] {
      let start = now.advanced(byMilliseconds: Int64(minute) * 60_000)
      let key = SessionKey(
        series: generator.series(), started: start, sessionID: SessionID(value: 7))
      batch.add(NamedReport(key: key, correctedStart: start, status: .exited))
    }
    try store.ingest(batch)
    var query = HealthQuery(
      projects: Self.projects, minutes: now.hour * 60..<now.minute + 1)
    query.intervalMinutes = 60
    let bucket = try store.history(query).buckets[0]
    #expect(bucket.prompt.healthy == 3 && bucket.startingLater.healthy == 1)
    #expect(bucket.counts == (try store.health(query).first?.totals.sessions))
  }
}
