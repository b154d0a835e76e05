import Bytes
import ReleaseHealth
import SQLiteStorage
import Storage
import TestSupport
import Testing

/// The database gives the same answers to random histories as the model, which keeps every report
/// and computes each answer from them.
@Suite struct RandomHistoryTests {
  static let day: Int64 = 86_400_000

  @Test(arguments: 0..<12 as Range<UInt64>)
  func anyHistoryGivesTheModelsNumbers(seed: UInt64) throws {
    let directory = try TemporaryDirectory()
    let folding =
      seed % 2 == 0
      ? SQLiteStore.Folding()
      : SQLiteStore.Folding(
        directUpdatesMax: 1, pendingUpdatesMax: 50, sliceUpdatesMax: 7,
        quietMilliseconds: seed % 4 == 1 ? nil : 0)
    let store = try SQLiteStore(
      .init(path: directory.path + "/hale.db", newSecret: secret, folding: folding))
    try prepareCatalog(store)
    let model = ReferenceStore()
    var generator = ReportGenerator(seed: seed)
    var now = Timestamp(seconds: 1_767_225_600)
    var late: [NamedReport] = []

    for _ in 0..<6 {
      // The updates are of sessions of the last five days, some repeated, in any order and in any
      // batches; delayed ones are included unless they are too old now.
      let range = now.milliseconds - 5 * Self.day + 60_000..<now.milliseconds + 60_000
      var reports = (0..<40).flatMap { _ in generator.session(startedIn: range) }
      let heldBack = Set(reports.map(\.key).filter { $0.sessionID.value % 3 == 0 })
      let lateNow = late.filter { range.contains($0.correctedStart.milliseconds) }
      late = reports.filter { heldBack.contains($0.key) && $0.status != .ok }
      // A delayed update has the start of its whole session, which is then still stored.
      late.removeAll { report in
        reports.contains { $0.key == report.key && $0.correctedStart != $0.key.started }
      }
      reports.removeAll { late.contains($0) }
      reports += lateNow
      reports += reports.filter { _ in Int.random(in: 0..<3, using: &generator.random) == 0 }
      reports.shuffle(using: &generator.random)
      while !reports.isEmpty {
        // Batches arrive in several steps of the arrival log, not always in order.
        var batch = IngestBatch(
          receivedAt: now.advanced(
            byMilliseconds: Int64.random(in: -900_000...900_000, using: &generator.random)))
        let count = Int.random(in: 1...reports.count, using: &generator.random)
        batch.add(reports.prefix(count))
        reports.removeFirst(count)
        batch.add((0..<2).map { _ in generator.aggregate(startedIn: range) })
        try store.ingest(batch)
        try model.ingest(batch)
        // Batches also come between the steps of a run.
        for _ in 0..<[0, 2, 5, 1000].randomElement(using: &generator.random)! {
          guard try store.housekeep(at: now) else { break }
        }
      }
      for query in Self.queries(at: now, random: &generator.random) {
        let expected = try model.health(query)
        let found = try store.health(query)
        #expect(
          found.agrees(with: expected),
          "seed \(seed), minutes \(query.minutes), \(query.groupBy)")
      }
      now = now.advanced(
        byMilliseconds: Int64.random(in: 0...2 * Self.day, using: &generator.random))
      while try store.housekeep(at: now) {}
    }
  }

  /// Ranges by the minute in the last five days, by the hour and by the day further back.
  static func queries(at now: Timestamp, random: inout SplitMix64) -> [HealthQuery] {
    let projects: Set<ProjectID> = [ProjectID(rawValue: 1), ProjectID(rawValue: 2)]
    let endOfHour = (now.hour + 1) * 60 + 60
    let startOfDay = (now.day - 30) * 1440
    var queries: [HealthQuery] = []
    for (range, interval) in [
      (startOfDay..<endOfHour, nil),
      (startOfDay..<endOfHour, 1440),
      (startOfDay..<endOfHour, 360),
      ((now.day - 6) * 1440..<endOfHour, 60),
      (now.minute - 1440 + 1..<now.minute + 2, nil),
      (now.minute - 5 * 1440 + 2..<now.minute - 4 * 1440, 7),
      (now.minute - 90..<now.minute + 2, 10),
    ] as [(Range<Int>, Int?)] {
      var query = HealthQuery(projects: projects, minutes: range)
      query.intervalMinutes = interval
      query.measures = [.sessions, .users, .durations]
      for dimension in [HealthQuery.Dimension.project, .release, .environment]
      where Bool.random(using: &random) {
        query.groupBy.insert(dimension)
      }
      queries.append(query)
      if Bool.random(using: &random) {
        query.projects = [ProjectID(rawValue: 1)]
        query.filter = .not(.release("shop@1.1.0"))
        queries.append(query)
      }
    }
    return queries
  }
}

let secret = [UInt8](repeating: 7, count: 32)

/// An organization with the projects 1 and 2.
func prepareCatalog(_ store: SQLiteStore) throws {
  let now = Timestamp(seconds: 0)
  let organization = try store.createOrganization(slug: "default", at: now)
  for (slug, digit) in [("one", "1"), ("two", "2")] {
    _ = try store.createProject(
      organization: organization.id, slug: slug, settings: ProjectSettings(), id: nil,
      publicKey: String(repeating: digit, count: 32), at: now)
  }
}
