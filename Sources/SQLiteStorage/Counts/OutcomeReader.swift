internal import ReleaseHealth
internal import Storage

/// Reads outcomes and the history of counts on a reader's connection, from the outcomes, the packed
/// counts and the arrival log; never from session states.
enum OutcomeReader {
  /// The statements; a test checks their query plans.
  enum SQL {
    static let outcomes = """
      SELECT (hour - ?1) / ?3, project, name, sum(quantity) FROM outcome
      WHERE hour >= ?1 AND hour < ?2 GROUP BY 1, 2, 3
      """
    static let days = """
      SELECT day, scope, identified, anonymous FROM session_day WHERE day >= ? AND day < ?
      """
    static let minutes = """
      SELECT scope, identified, anonymous FROM session_minute WHERE hour = ?
      """
    static let arrivals = "\(changes) AND step >= ?3 AND step < ?4 ORDER BY step"
    static let arrivalsOfSeries = "\(changes) AND step = ?3 AND scope = ?4"
    static let replay = """
      SELECT step, scope, hour, \(Severity.allCases.map(\.name).joined(separator: ", "))
      FROM arrival WHERE hour >= ?1 AND hour < ?2 AND step >= ?3 AND step < ?4 ORDER BY step
      """
    static let floor = """
      SELECT value FROM setting WHERE name IN ('arrivals_dropped', 'arrivals_unsplit')
      ORDER BY value DESC LIMIT 1
      """

    private static let changes = """
      SELECT step, scope, hour, repeated, without_initial, \(columns) FROM arrival
      WHERE hour >= ?1 AND hour < ?2
      """
    /// Changes of sessions with an id.
    private static let columns = Severity.allCases
      .map { "\($0.name) - anonymous_\($0.name)" }.joined(separator: ", ")
  }

  static func outcomes(
    of projects: Set<ProjectID>, hours: Range<Int>, intervalHours: Int, from connection: Connection
  ) throws(StoreError) -> [[OutcomeKey: Int64]] {
    var outcomes = Array(
      repeating: [OutcomeKey: Int64](), count: (hours.count + intervalHours - 1) / intervalHours)
    let values: [(any Bindable)?] = [hours.lowerBound, hours.upperBound, intervalHours]
    try connection.forEachRow(SQL.outcomes, values) { row in
      let project = ProjectID(rawValue: row.integer(1))
      guard projects.contains(project), let outcome = Outcome(name: row.text(2)) else { return }
      outcomes[Int(row.integer(0))][OutcomeKey(project: project, outcome: outcome)] = row.integer(3)
    }
    return outcomes
  }

  static func history(
    _ query: HealthQuery, from connection: Connection
  ) throws(StoreError) -> SessionHistory {
    guard !query.minutes.isEmpty, let interval = query.intervalMinutes else {
      return SessionHistory(firstKnownHour: nil, buckets: [])
    }
    var reader = HistoryReader(
      connection, try SelectedSeries(query, from: connection), minutes: query.minutes,
      intervalHours: interval / 60, buckets: query.bucketCount)
    try reader.readCounts()
    try reader.readArrivals()
    return reader.history
  }
}

// MARK: Replay

extension OutcomeReader {
  /// The number of hours before a start in which its changes can arrive: updates are accepted for
  /// five days, and the service's clock may have been wrong by a day.
  fileprivate static let hoursBefore = 25
  fileprivate static let hoursAfter = 5 * 24 + 26

  /// The number of changes at which a page ends, after the last row of that step.
  private static let pageChanges = 10_000

  /// The changes of the query's start hours, in the order of arrival.
  static func arrivals(
    _ query: HealthQuery, from step: Int?, on connection: Connection
  ) throws(StoreError) -> ArrivalPage {
    let series = try SelectedSeries(query, from: connection)
    let (groups, keys) = (SeriesGroups(series.members), try series.groupKeys(connection))
    let hours = query.minutes.buckets(of: 60)
    let select = try connection.prepare(SQL.replay)
    select.bind([
      hours.lowerBound, hours.upperBound, step ?? (hours.lowerBound - hoursBefore) * 6,
      (hours.upperBound + hoursAfter) * 6,
    ])
    var changes: [ArrivalChange] = []
    while try select.step() {
      let step = Int(select.integer(0))
      if changes.count >= pageChanges, changes.last?.step != step {
        return ArrivalPage(changes: changes, next: step)
      }
      guard let group = groups[select.integer(1)] else { continue }
      let change = select.counts(from: 3)
      if change.isZero { continue }
      changes.append(
        ArrivalChange(
          step: step, hour: Int(select.integer(2)), key: keys[group], change: change))
    }
    return ArrivalPage(changes: changes, next: nil)
  }
}

/// Builds one ``SessionHistory``.
private struct HistoryReader {
  private let connection: Connection
  private let minutes: Range<Int>
  private let hours: Range<Int>
  private let intervalHours: Int
  private let selected: Set<Int64>
  /// See ``SelectedSeries/isSelective``.
  private let isSelective: Bool
  private var firstKnownHour: Int?
  private var buckets: [SessionHistory.Bucket]
  /// Current counts of sessions with an id, by bucket.
  private var identified: [SessionCounts]

  private static let stepsPerHour = 6
  private static let stepMinutes = 10

  init(
    _ connection: Connection, _ selected: SelectedSeries, minutes: Range<Int>, intervalHours: Int,
    buckets: Int
  ) {
    self.connection = connection
    self.selected = Set(selected.members.map(\.id))
    isSelective = selected.isSelective
    self.minutes = minutes
    self.intervalHours = intervalHours
    hours = minutes.buckets(of: 60)
    self.buckets = Array(repeating: SessionHistory.Bucket(), count: buckets)
    identified = Array(repeating: SessionCounts(), count: buckets)
  }

  var history: SessionHistory {
    var buckets = buckets
    for index in buckets.indices {
      buckets[index].unlogged = identified[index]
      buckets[index].unlogged -= buckets[index].prompt
      for arrival in buckets[index].late { buckets[index].unlogged -= arrival.change }
    }
    return SessionHistory(firstKnownHour: firstKnownHour, buckets: buckets)
  }

  mutating func readCounts() throws(StoreError) {
    let days = try connection.prepare(OutcomeReader.SQL.days)
    let range = hours.buckets(of: 24)
    days.bind([range.lowerBound, range.upperBound])
    while try days.step() {
      guard selected.contains(days.integer(1)) else { continue }
      let first = Int(days.integer(0)) * 24
      for (slot, counts) in CountGrid(packed: days.blob(2)).slots {
        if let bucket = bucket(of: first + slot) { identified[bucket] += counts }
      }
      for (slot, counts) in CountGrid(packed: days.blob(3)).slots {
        if let bucket = bucket(of: first + slot) { buckets[bucket].aggregates += counts }
      }
    }
    if minutes.upperBound % 60 != 0 { try readStartingLater() }
  }

  /// Reads sessions that start after the range, but in its last hour, since the arrival log has
  /// whole hours. A start may lie a minute in the future.
  private mutating func readStartingLater() throws(StoreError) {
    let select = try connection.prepare(OutcomeReader.SQL.minutes)
    let (hour, end) = HourDelta.split(minute: minutes.upperBound)
    select.bind(1, hour)
    while try select.step() {
      guard selected.contains(select.integer(0)) else { continue }
      for column: Int32 in [1, 2] {
        for (minute, counts) in CountGrid(packed: select.blob(column)).slots where minute >= end {
          buckets[buckets.count - 1].startingLater += counts
        }
      }
    }
  }

  mutating func readArrivals() throws(StoreError) {
    let floor = try connection.number(OutcomeReader.SQL.floor).map { Int($0) }
    // The last dropped step may have had arrivals of the hour that begins with the step after it.
    firstKnownHour = floor.map { $0.flooredDivision(by: Self.stepsPerHour) + 2 }
    let end = (hours.upperBound + OutcomeReader.hoursAfter) * Self.stepsPerHour
    let first = max(
      (hours.lowerBound - OutcomeReader.hoursBefore) * Self.stepsPerHour,
      floor.map { $0 + 1 } ?? Int.min)
    let steps = first..<max(first, end)
    let select = try connection.prepare(
      isSelective ? OutcomeReader.SQL.arrivalsOfSeries : OutcomeReader.SQL.arrivals)
    select.bind(1, hours.lowerBound)
    select.bind(2, hours.upperBound)
    guard isSelective else {
      select.bind(3, steps.lowerBound)
      select.bind(4, steps.upperBound)
      return try add(select)
    }
    for step in steps {
      for seriesID in selected {
        select.bind(3, step)
        select.bind(4, seriesID)
        try add(select)
      }
    }
  }

  /// Adds the rows of the arrival log that a statement returns, in the order of arrival.
  private mutating func add(_ select: Statement) throws(StoreError) {
    while try select.step() {
      let hour = Int(select.integer(2))
      guard let bucket = bucket(of: hour), selected.contains(select.integer(1)) else { continue }
      let step = Int(select.integer(0))
      buckets[bucket].repeated += select.integer(3)
      buckets[bucket].withoutInitial += select.integer(4)
      let change = select.counts(from: 5)
      if change.isZero { continue }
      if step.flooredDivision(by: Self.stepsPerHour) <= hour {
        buckets[bucket].prompt += change
      } else {
        buckets[bucket].add(change, at: Timestamp(minute: step * Self.stepMinutes))
      }
    }
  }

  private func bucket(of hour: Int) -> Int? {
    hours.contains(hour) ? (hour - hours.lowerBound) / intervalHours : nil
  }
}

extension SessionHistory.Bucket {
  /// Adds a late change. Calls come in the order of arrival.
  fileprivate mutating func add(_ change: SessionCounts, at time: Timestamp) {
    if let last = late.indices.last, late[last].time == time {
      late[last].change += change
    } else {
      late.append(SessionHistory.Arrival(time: time, change: change))
    }
  }
}
