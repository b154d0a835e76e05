import Bytes
import ReleaseHealth
import SQLiteStorage
import Storage
import TestSupport
import Testing

/// The laws of quotas of sessions, tested on every store.
@Suite struct SessionQuotaTests {
  private static let key = String(repeating: "1", count: 32)
  private static let minute: Int64 = 60_000

  private static func quotas(
    _ ofProject: Quotas = Quotas(), key: String = key, _ ofKey: Quotas = Quotas(),
    project: ProjectID = Contract.one
  ) -> KeyQuotas {
    KeyQuotas(project: project, publicKey: key, ofProject: ofProject, ofKey: ofKey)
  }

  private static func reports(
    _ ids: ClosedRange<UInt64>, _ status: SessionStatus = .ok, isInitial: Bool = true
  ) -> [NamedReport] {
    ids.map { Contract.report($0, status, of: Contract.series("a"), isInitial: isInitial) }
  }

  private static func batch(
    _ reports: [NamedReport], minutes: Int64 = 0, aggregates: [NamedAggregate] = [],
    _ quotas: KeyQuotas
  ) -> IngestBatch {
    let now = Contract.start.advanced(byMilliseconds: minutes * minute)
    var batch = Contract.batch(reports, at: now, aggregates)
    batch.limit(by: quotas)
    return batch
  }

  private static func bucket(_ healthy: Int64, crashed: Int64 = 0) -> NamedAggregate {
    NamedAggregate(
      series: Contract.series("a"),
      AggregatedSessions(
        correctedStart: Contract.start, counts: SessionCounts(healthy: healthy, crashed: crashed)))
  }

  private static func counts(_ store: any ContractStore) throws -> SessionCounts {
    try store.health(Contract.query(hours: 0..<24)).first?.totals.sessions ?? SessionCounts()
  }

  private static func outcomes(_ store: any ContractStore) throws -> [Outcome: Int64] {
    let first = Contract.start.hour
    let found = try store.outcomes(
      of: [Contract.one], hours: first..<first + 48, intervalHours: 48)[0]
    return Dictionary(uniqueKeysWithValues: found.map { ($0.key.outcome, $0.value) })
  }

  /// New sessions beyond the quota are refused in the order of arrival; the store says so at once.
  @Test(arguments: Conformer.allCases)
  func newSessionsBeyondAQuotaAreRefused(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try conformer.store(in: directory)
    let quotas = Self.quotas(Quotas(sessionsPerMinute: 5))
    let first = try store.ingest(Self.batch(Self.reports(1...3), quotas))
    #expect(first == [OutcomeKey(project: Contract.one, outcome: .accepted): 3])
    let second = try store.ingest(Self.batch(Self.reports(4...9), quotas))
    #expect(
      second == [
        OutcomeKey(project: Contract.one, outcome: .accepted): 2,
        OutcomeKey(project: Contract.one, outcome: .rejected(.quota)): 4,
      ])
    _ = try store.ingest(Self.batch(Self.reports(10...10), minutes: 1, quotas))
    #expect(try Self.counts(store).healthy == 6)
    #expect(try Self.outcomes(store) == [.accepted: 6, .rejected(.quota): 4])
  }

  /// Whatever is used up, a crash of a counted session counts.
  @Test(arguments: Conformer.allCases)
  func updatesOfKnownSessionsAlwaysCount(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try conformer.store(in: directory)
    let quotas = Self.quotas(Quotas(sessionsPerDay: 6))
    _ = try store.ingest(Self.batch(Self.reports(1...6), quotas))
    // Some are folded by now, some in the same batch, and one is unknown.
    _ = try store.health(Contract.query(hours: 0..<1))
    let ends = Self.reports(1...7, .crashed, isInitial: false)
    _ = try store.ingest(Self.batch(ends + ends, quotas))
    #expect(try Self.counts(store) == SessionCounts(crashed: 6))
    #expect(try Self.outcomes(store)[.rejected(.quota)] == 2)
  }

  /// Sessions that arrived before there was a quota, or by a key without one, are known.
  @Test(arguments: Conformer.allCases)
  func sessionsThatCameWithoutAQuotaAreKnown(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try conformer.store(in: directory)
    let quotas = Self.quotas(Quotas(), Quotas(sessionsPerDay: 1))
    _ = try store.ingest(Contract.batch(Self.reports(1...6), at: Contract.start))
    _ = try store.ingest(Self.batch(Self.reports(7...7), quotas))
    _ = try store.ingest(Contract.batch(Self.reports(8...14), at: Contract.start))
    var mixed = Contract.batch(Self.reports(15...15), at: Contract.start)
    mixed.merge(Self.batch(Self.reports(1...16, .crashed, isInitial: false), quotas))
    _ = try store.ingest(mixed)
    #expect(try Self.counts(store) == SessionCounts(crashed: 15))
    #expect(try Self.outcomes(store)[.rejected(.quota)] == 1)
  }

  /// A later update of a refused session is new again.
  @Test(arguments: Conformer.allCases)
  func aRefusedSessionCountsLaterIfThereIsRoom(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try conformer.store(in: directory)
    let quotas = Self.quotas(Quotas(sessionsPerMinute: 1))
    _ = try store.ingest(Self.batch(Self.reports(1...2), quotas))
    _ = try store.ingest(Self.batch(Self.reports(2...2, .crashed), quotas))
    #expect(try Self.counts(store) == SessionCounts(healthy: 1))
    let later = Self.reports(2...2, .crashed, isInitial: false)
    _ = try store.ingest(Self.batch(later, minutes: 1, quotas))
    #expect(try Self.counts(store) == SessionCounts(healthy: 1, crashed: 1))
  }

  @Test(arguments: Conformer.allCases)
  func aggregatesAreRefusedWhole(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try conformer.store(in: directory)
    let quotas = Self.quotas(Quotas(sessionsPerMinute: 10))
    // Reports come first, then a bucket that fits, one that does not, and one that fits again.
    _ = try store.ingest(
      Self.batch(
        Self.reports(1...2),
        aggregates: [Self.bucket(5, crashed: 1), Self.bucket(3), Self.bucket(2)], quotas))
    #expect(try Self.counts(store) == SessionCounts(healthy: 9, crashed: 1))
    // One session without an id is an item, not a bucket.
    let item = AggregatedSessions(
      SessionUpdate(started: Contract.start, release: "a"), correctedStart: Contract.start,
      user: nil)
    var batch = IngestBatch(receivedAt: Contract.start)
    batch.add(item, of: Contract.series("a"))
    batch.outcomes = [OutcomeKey(project: Contract.one, outcome: .accepted): 1]
    batch.limit(by: quotas)
    _ = try store.ingest(batch)
    #expect(
      try Self.outcomes(store) == [.accepted: 2, .acceptedAggregate: 2, .rejected(.quota): 2])
  }

  /// The quota of a project is shared by its keys; each key has its own beside it.
  @Test(arguments: Conformer.allCases)
  func quotasOfAProjectAndOfItsKeysHoldTogether(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try conformer.store(in: directory)
    let other = String(repeating: "f", count: 32)
    let whole = Quotas(sessionsPerMinute: 10)
    func send(_ ids: ClosedRange<UInt64>, _ key: String, _ own: Quotas) throws -> Int64 {
      let before = try Self.counts(store).total
      let quotas = Self.quotas(whole, key: key, own)
      _ = try store.ingest(Self.batch(Self.reports(ids), quotas))
      return try Self.counts(store).total - before
    }
    #expect(try send(1...8, Self.key, Quotas(sessionsPerMinute: 6)) == 6)
    // What its key refused took nothing from the project.
    #expect(try send(11...20, other, Quotas(sessionsPerDay: 7)) == 4)
    #expect(try send(21...22, Self.key, Quotas()) == 0)
    // Another project is not concerned.
    let elsewhere = Contract.report(1, .ok, of: Contract.series("a", of: Contract.two))
    let quotas = Self.quotas(whole, project: Contract.two)
    _ = try store.ingest(Self.batch([elsewhere], quotas))
    #expect(try Self.counts(store).total == 11)
  }

  /// A refused session leaves no release behind, and no user.
  @Test(arguments: Conformer.allCases)
  func whatIsRefusedLeavesOnlyItsOutcome(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try conformer.store(in: directory)
    let quotas = Self.quotas(Quotas(sessionsPerDay: 1))
    let made = (1...9).map { number in
      Contract.report(UInt64(number), .ok, of: Contract.series("made-up-\(number)"))
    }
    _ = try store.ingest(Self.batch(made, quotas))
    #expect(try store.releases(of: Contract.organization).map(\.version) == ["made-up-1"])
    #expect(try Self.counts(store).total == 1)
  }

  /// Any history gives the numbers of the model, through restarts and whatever is folded when.
  @Test(arguments: 0..<12 as Range<UInt64>)
  func anyHistoryGivesTheModelsNumbers(seed: UInt64) throws {
    let directory = try TemporaryDirectory()
    func open() throws -> SQLiteStore {
      try SQLiteStore(
        .init(
          path: directory.path + "/hale.db", newSecret: secret,
          folding: SQLiteStore.Folding(
            directUpdatesMax: seed % 3 == 0 ? 4 : 0, pendingUpdatesMax: 60, sliceUpdatesMax: 7)))
    }
    var store = try open()
    try prepareCatalog(store)
    let model = ReferenceStore()
    var random = SplitMix64(seed: seed)
    let other = String(repeating: "f", count: 32)
    let limits = [
      Self.quotas(Quotas(sessionsPerMinute: 9), Quotas(sessionsPerDay: 60)),
      Self.quotas(Quotas(sessionsPerMinute: 9), key: other, Quotas(sessionsPerMinute: 4)),
      Self.quotas(Quotas(sessionsPerMinute: 9), key: other),
    ]
    for step in 0..<60 {
      let now = Contract.start.advanced(byMilliseconds: Int64(step) * 17_000)
      var batch = IngestBatch(receivedAt: now)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let reports = (0..<Int.random(in: 0...6, using: &random)).map { _ in
          let id = UInt64.random(in: 0..<150, using: &random)
          return Contract.report(
            id, Bool.random(using: &random) ? .ok : .crashed,
            of: Contract.series("a\(id % 7)", of: id % 5 == 0 ? Contract.two : Contract.one),
            isInitial: Bool.random(using: &random))
        }
        let buckets = Int.random(in: 0..<4, using: &random) == 0 ? [Self.bucket(2)] : []
        var part = Contract.batch(reports, at: now, buckets)
        // Envelopes are of one project; the second one has no quotas.
        if reports.allSatisfy({ $0.key.series.project == Contract.one }),
          Int.random(in: 0..<5, using: &random) > 0
        {
          part.limit(by: limits.randomElement(using: &random)!)
        }
        batch.merge(part)
      }
      let expected = try model.ingest(batch)
      let refused = OutcomeKey(project: Contract.one, outcome: .rejected(.quota))
      #expect(try store.ingest(batch)[refused] == expected[refused], "step \(step)")
      switch Int.random(in: 0..<6, using: &random) {
      case 0: store = try open()
      case 1: _ = try store.foldPending()
      default: break
      }
    }
    var query = Contract.query(hours: 0..<24)
    query.groupBy = [.project, .release]
    #expect(try store.health(query).agrees(with: model.health(query)))
    // A restart forgets whether a pending update is a repetition.
    let isOther = { (entry: (key: Outcome, value: Int64)) in entry.key != .repeated }
    #expect(try Self.outcomes(store).filter(isOther) == Self.outcomes(model).filter(isOther))
  }
}
