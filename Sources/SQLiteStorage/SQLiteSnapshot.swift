internal import ReleaseHealth
internal import Storage

/// What one connection sees in one read transaction: all of its answers are of the same moment.
struct SQLiteSnapshot {
  let connection: Connection
}

extension SQLiteSnapshot: SessionReading, OutcomeStore {
  func health(_ query: HealthQuery) throws(StoreError) -> [HealthGroup] {
    try HealthReader.read(query, from: connection)
  }

  func outcomes(
    of projects: Set<ProjectID>, hours: Range<Int>, intervalHours: Int
  ) throws(StoreError) -> [[OutcomeKey: Int64]] {
    try OutcomeReader.outcomes(
      of: projects, hours: hours, intervalHours: intervalHours, from: connection)
  }

  func history(_ query: HealthQuery) throws(StoreError) -> SessionHistory {
    try OutcomeReader.history(query, from: connection)
  }

  func arrivals(_ query: HealthQuery, from step: Int?) throws(StoreError) -> ArrivalPage {
    try OutcomeReader.arrivals(query, from: step, on: connection)
  }

  func firstArrivalHour() throws(StoreError) -> Int? {
    try connection.setting("arrivals_dropped").map { Int($0).flooredDivision(by: 6) + 2 }
  }
}
