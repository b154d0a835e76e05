import ReleaseHealth
import SQLiteStorage
import Storage
import TestSupport

/// The protocols that a second database would have to implement.
typealias ContractStore = SessionStore & ReleaseStore & OutcomeStore

/// The stores on which every law is tested.
enum Conformer: String, CaseIterable, Sendable {
  case sqlite, reference

  /// An empty store with the projects 1 and 2.
  func store(in directory: TemporaryDirectory) throws -> any ContractStore {
    switch self {
    case .reference: return ReferenceStore()
    case .sqlite:
      let store = try SQLiteStore(.init(path: directory.path + "/hale.db", newSecret: secret))
      try prepareCatalog(store)
      return store
    }
  }
}

/// Helpers that fill and query a store.
enum Contract {
  static let start = Timestamp(minute: 490_896 * 60)
  static let one = ProjectID(rawValue: 1)
  static let two = ProjectID(rawValue: 2)
  static let organization = OrganizationID(rawValue: 1)

  static func after(hours: Int) -> Timestamp {
    start.advanced(byMilliseconds: Int64(hours) * 3_600_000)
  }

  static func series(
    _ release: String, _ environment: String? = "production", of project: ProjectID = one
  ) -> SeriesKey {
    SeriesKey(project: project, release: release, environment: environment)
  }

  static func report(
    _ id: UInt64, _ status: SessionStatus, of series: SeriesKey, started: Timestamp = start,
    isInitial: Bool = true
  ) -> NamedReport {
    NamedReport(
      key: SessionKey(series: series, started: started, sessionID: SessionID(value: UInt128(id))),
      correctedStart: started, status: status, isInitial: isInitial)
  }

  static func batch(
    _ reports: [NamedReport], at time: Timestamp, _ aggregates: [NamedAggregate] = []
  ) -> IngestBatch {
    var batch = IngestBatch(receivedAt: time)
    batch.add(reports)
    batch.add(aggregates)
    for report in reports {
      batch.outcomes[
        OutcomeKey(project: report.key.series.project, outcome: .accepted), default: 0] += 1
    }
    for sessions in aggregates {
      batch.outcomes[
        OutcomeKey(project: sessions.series.project, outcome: .acceptedAggregate), default: 0] += 1
    }
    return batch
  }

  static func query(hours: Range<Int>, interval: Int? = nil) -> HealthQuery {
    var query = HealthQuery(
      projects: [one, two],
      minutes: (start.hour + hours.lowerBound) * 60..<(start.hour + hours.upperBound) * 60)
    query.intervalMinutes = interval.map { $0 * 60 }
    return query
  }
}
