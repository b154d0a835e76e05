internal import ReleaseHealth
internal import Storage

/// Answers one ``HealthQuery`` on a reader's connection, from packed counts, user sets and duration
/// histograms; never from session states.
struct HealthReader {
  private let connection: Connection
  private let query: HealthQuery
  private var selected: SelectedSeries
  private var groupOfSeries: SeriesGroups
  private var keys: [GroupKey] = []
  private var sessions: [GroupSessions] = []
  /// The number of groups with a time series of sessions.
  private var sessionSeriesCount = 0
  private var users: [UserReader.Counts] = []
  private var durations: [GroupDurations] = []

  private struct GroupSessions {
    /// The totals; with a time series, its sum.
    var totals = SessionCounts()
    /// The counts of each bucket; empty while nothing is counted.
    var series: [SessionCounts] = []
  }

  private struct GroupDurations {
    var totals = DurationSum()
    /// The durations of each bucket; empty while nothing is counted.
    var series: [DurationSummary?] = []
  }

  static func read(
    _ query: HealthQuery, from connection: Connection
  ) throws(StoreError) -> [HealthGroup] {
    // A range in the future has no minutes.
    if query.minutes.isEmpty { return [] }
    let selected = try SelectedSeries(query, from: connection)
    var reader = HealthReader(
      connection: connection, query: query, selected: selected,
      groupOfSeries: SeriesGroups(selected.members))
    try reader.prepareGroups()
    if query.measures.contains(.sessions) { try reader.readSessions() }
    if query.measures.contains(.users) {
      reader.users = try UserReader.read(
        query, reader.selected, groupCount: reader.keys.count, from: connection)
    }
    if query.measures.contains(.durations) { try reader.readDurations() }
    let count = reader.users.count { !$0.series.isEmpty } + reader.sessionSeriesCount
    try connection.hold(count * query.bucketCount * MemoryLayout<HealthCell>.stride)
    return reader.groups
  }

  /// Groups that have counts, ordered by their keys.
  private var groups: [HealthGroup] {
    // Indices are sorted first, because a group is expensive to move.
    keys.indices.sorted { keys[$0] < keys[$1] }.compactMap { index -> HealthGroup? in
      let totals = HealthCell(
        sessions: sessions[index].totals, users: users[index].totals,
        durations: durations[index].totals.summary)
      if totals == HealthCell() { return nil }
      var series = Array(repeating: HealthCell(), count: query.bucketCount)
      for (bucket, counts) in sessions[index].series.enumerated() {
        series[bucket].sessions = counts
      }
      for (bucket, counts) in users[index].series.enumerated() { series[bucket].users = counts }
      for (bucket, summary) in durations[index].series.enumerated() {
        series[bucket].durations = summary
      }
      return HealthGroup(key: keys[index], totals: totals, series: series)
    }
  }

  private mutating func prepareGroups() throws(StoreError) {
    if let max = query.groupsMax, selected.groupCount > max {
      var totals = [Int64](repeating: 0, count: selected.groupCount)
      try grids.forEach { (packed, place) throws(StoreError) in
        totals[place.group] += CountGrid.sum(packed, slots: place.slots).total
      }
      selected.keepGreatest(max, by: totals)
      groupOfSeries = SeriesGroups(selected.members)
    }
    keys = try selected.groupKeys(connection)
    sessions = keys.map { _ in GroupSessions() }
    users = keys.map { _ in UserReader.Counts() }
    durations = keys.map { _ in GroupDurations() }
  }

  private var grids: GridReader {
    GridReader(
      connection: connection, query: query, groupOfSeries: groupOfSeries,
      few: selected.isSelective ? selected.members : nil)
  }

  // MARK: Sessions

  private mutating func readSessions() throws(StoreError) {
    let hasSeries = query.intervalMinutes != nil
    try grids.forEach { (packed, place) throws(StoreError) in
      if hasSeries {
        try addSeries(packed, place)
      } else {
        sessions[place.group].totals += CountGrid.sum(packed, slots: place.slots)
      }
    }
    // Every minute of the range is in one bucket.
    for group in sessions.indices {
      for counts in sessions[group].series { sessions[group].totals += counts }
    }
  }

  private mutating func addSeries(
    _ packed: Span<UInt8>, _ place: GridReader.Place
  ) throws(StoreError) {
    let group = place.group
    if sessions[group].series.isEmpty {
      try connection.hold(query.bucketCount * MemoryLayout<SessionCounts>.stride)
      sessions[group].series = Array(repeating: SessionCounts(), count: query.bucketCount)
      sessionSeriesCount += 1
    }
    CountGrid.forEachSlot(packed) { slot, counts in
      let minute = place.rowStart + slot * place.slotMinutes
      guard place.slots.contains(slot), let bucket = query.bucket(ofMinute: minute) else { return }
      sessions[group].series[bucket] += counts
    }
  }

  // MARK: Durations

  /// Reads durations hour by hour, so that each group holds only one bucket's histogram beside its
  /// totals.
  private mutating func readDurations() throws(StoreError) {
    let hours = query.minutes.buckets(of: 60)
    var open = OpenDurations(sums: keys.map { _ in DurationSum() })
    func read(_ statement: Statement, into reader: inout HealthReader) throws(StoreError) {
      while try statement.step() {
        guard let group = reader.groupOfSeries[statement.integer(1)] else { continue }
        // The first hour may begin before the range does.
        let minute = max(Int(statement.integer(0)) * 60, reader.query.minutes.lowerBound)
        let bucket = reader.query.bucket(ofMinute: minute)
        if open.bucket != bucket { reader.close(&open) }
        open.bucket = bucket
        open.groups.insert(group)
        open.sums[group].add(packed: statement.blob(2), totalMilliseconds: statement.integer(3))
      }
    }
    let columns = "SELECT hour, scope, histogram, total FROM duration_hour"
    if selected.isSelective {
      let statement = try connection.prepare("\(columns) WHERE hour = ? AND scope = ?")
      for hour in try connection.stored(hours, "hour", of: "duration_hour") {
        for member in selected.members {
          statement.bind(1, hour)
          statement.bind(2, member.id)
          try read(statement, into: &self)
        }
      }
    } else {
      let statement = try connection.prepare(
        "\(columns) WHERE hour >= ? AND hour < ? ORDER BY hour")
      statement.bind([hours.lowerBound, hours.upperBound])
      try read(statement, into: &self)
    }
    close(&open)
  }

  /// The durations of the bucket that is being read.
  private struct OpenDurations {
    /// The bucket; nil for a query without a time series.
    var bucket: Int?
    /// The sums by group.
    var sums: [DurationSum]
    /// The groups that have durations in this bucket.
    var groups: Set<Int> = []
  }

  private mutating func close(_ open: inout OpenDurations) {
    for group in open.groups {
      let sum = open.sums[group]
      open.sums[group] = DurationSum()
      durations[group].totals.add(sum)
      guard let bucket = open.bucket else { continue }
      if durations[group].series.isEmpty {
        durations[group].series = Array(repeating: nil, count: query.bucketCount)
      }
      durations[group].series[bucket] = sum.summary
    }
    open.groups.removeAll(keepingCapacity: true)
  }
}

/// Reads the packed counts of the selected series in the range of a query.
private struct GridReader {
  let connection: Connection
  let query: HealthQuery
  let groupOfSeries: SeriesGroups
  /// The series, if they are few and looked up one by one.
  let few: [SelectedSeries.Member]?

  /// What a row of packed counts is about.
  struct Place {
    var group: Int
    /// The minute at which the row begins.
    var rowStart: Int
    var slotMinutes: Int
    /// The slots that lie within the range, which may begin or end within a row.
    var slots: Range<Int>
  }

  /// A table of packed counts.
  private struct Table {
    var name: String
    var row: String
    var slotMinutes: Int
    var slotsPerRow: Int

    static let days = Table(name: "session_day", row: "day", slotMinutes: 60, slotsPerRow: 24)
    static let hours = Table(name: "session_minute", row: "hour", slotMinutes: 1, slotsPerRow: 60)
  }

  func forEach(
    _ body: (Span<UInt8>, Place) throws(StoreError) -> Void
  ) throws(StoreError) {
    let hours = query.wholeHours
    if !hours.isEmpty {
      try forEach(of: .days, hours.lowerBound * 60..<hours.upperBound * 60, body)
    }
    for range in query.minuteRanges { try forEach(of: .hours, range, body) }
  }

  private func forEach(
    of table: Table, _ minutes: Range<Int>, _ body: (Span<UInt8>, Place) throws(StoreError) -> Void
  ) throws(StoreError) {
    let rowMinutes = table.slotMinutes * table.slotsPerRow
    let rows = minutes.buckets(of: rowMinutes)
    let columns = "SELECT \(table.row), scope, identified, anonymous FROM \(table.name)"
    func read(_ statement: Statement) throws(StoreError) {
      while try statement.step() {
        guard let group = groupOfSeries[statement.integer(1)] else { continue }
        let rowStart = Int(statement.integer(0)) * rowMinutes
        let place = Place(
          group: group, rowStart: rowStart, slotMinutes: table.slotMinutes,
          slots: Self.slots(of: minutes, rowStart: rowStart, table))
        for column: Int32 in [2, 3] {
          try statement.withBlob(column) { (packed) throws(StoreError) in try body(packed, place) }
        }
      }
    }
    guard let few else {
      let statement = try connection.prepare(
        "\(columns) WHERE \(table.row) >= ? AND \(table.row) < ?")
      statement.bind([rows.lowerBound, rows.upperBound])
      return try read(statement)
    }
    let statement = try connection.prepare("\(columns) WHERE \(table.row) = ? AND scope = ?")
    for number in try connection.stored(rows, table.row, of: table.name) {
      for member in few {
        statement.bind(1, number)
        statement.bind(2, member.id)
        try read(statement)
      }
    }
  }

  private static func slots(
    of minutes: Range<Int>, rowStart: Int, _ table: Table
  ) -> Range<Int> {
    func slot(_ minute: Int) -> Int {
      (minute - rowStart + table.slotMinutes - 1) / table.slotMinutes
    }
    let first = max(0, slot(minutes.lowerBound))
    return first..<max(first, min(table.slotsPerRow, slot(minutes.upperBound)))
  }
}
