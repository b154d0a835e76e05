internal import ReleaseHealth
internal import Storage

/// Answers one ``HealthQuery`` on a reader's connection, from packed counts, user sets and duration
/// histograms; never from session states.
struct HealthReader {
  private let connection: Connection
  private let query: HealthQuery
  /// The group of each selected series, by series id.
  private var groupOfSeries: [Int64: Int] = [:]
  private var selected: [SelectedSeries.Member] = []
  /// See ``SelectedSeries/isSelective``.
  private var isSelective = false
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
    var reader = HealthReader(connection: connection, query: query)
    try reader.readSelected()
    if query.measures.contains(.sessions) { try reader.readSessions() }
    if query.measures.contains(.users) {
      reader.users = try UserReader.read(
        query, reader.selected, groupOfSeries: reader.groupOfSeries,
        groupCount: reader.keys.count, from: connection)
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

  private mutating func readSelected() throws(StoreError) {
    let found = try SelectedSeries(query, from: connection)
    selected = found.members
    isSelective = found.isSelective
    var groupOfKey: [GroupKey: Int] = [:]
    for member in selected {
      let key = query.groupKey(of: member.key)
      let group = groupOfKey[key] ?? keys.count
      if group == keys.count {
        groupOfKey[key] = group
        keys.append(key)
      }
      groupOfSeries[member.id] = group
    }
    sessions = keys.map { _ in GroupSessions() }
    users = keys.map { _ in UserReader.Counts() }
    durations = keys.map { _ in GroupDurations() }
  }

  // MARK: Sessions

  private mutating func readSessions() throws(StoreError) {
    let hours = query.wholeHours
    if !hours.isEmpty {
      try readGrids(
        table: "session_day", row: "day", slotMinutes: 60, slotsPerRow: 24,
        minutes: hours.lowerBound * 60..<hours.upperBound * 60)
    }
    for range in query.minuteRanges {
      try readGrids(
        table: "session_minute", row: "hour", slotMinutes: 1, slotsPerRow: 60, minutes: range)
    }
    // Every minute of the range is in one bucket.
    for group in sessions.indices {
      for counts in sessions[group].series { sessions[group].totals += counts }
    }
  }

  private mutating func readGrids(
    table: String, row: String, slotMinutes: Int, slotsPerRow: Int, minutes: Range<Int>
  ) throws(StoreError) {
    let rowMinutes = slotMinutes * slotsPerRow
    let rows = minutes.buckets(of: rowMinutes)
    let columns = "SELECT \(row), scope, identified, anonymous FROM \(table)"
    let hasSeries = query.intervalMinutes != nil
    func read(_ statement: Statement, into reader: inout HealthReader) throws(StoreError) {
      while try statement.step() {
        guard let group = reader.groupOfSeries[statement.integer(1)] else { continue }
        let rowStart = Int(statement.integer(0)) * rowMinutes
        let slots = Self.slots(of: minutes, rowStart: rowStart, slotMinutes, slotsPerRow)
        let seriesCount = reader.sessionSeriesCount
        for column: Int32 in [2, 3] {
          statement.withBlob(column) { packed in
            if hasSeries {
              reader.addSeries(packed, slots, group, rowStart: rowStart, slotMinutes)
            } else {
              reader.sessions[group].totals += CountGrid.sum(packed, slots: slots)
            }
          }
        }
        if reader.sessionSeriesCount > seriesCount {
          try reader.connection.hold(reader.query.bucketCount * MemoryLayout<SessionCounts>.stride)
        }
      }
    }
    guard isSelective else {
      let statement = try connection.prepare("\(columns) WHERE \(row) >= ? AND \(row) < ?")
      statement.bind([rows.lowerBound, rows.upperBound])
      return try read(statement, into: &self)
    }
    let statement = try connection.prepare("\(columns) WHERE \(row) = ? AND scope = ?")
    for number in try connection.stored(rows, row, of: table) {
      for seriesID in groupOfSeries.keys {
        statement.bind(1, number)
        statement.bind(2, seriesID)
        try read(statement, into: &self)
      }
    }
  }

  /// The slots of a row that lie within the minutes; the range may begin or end within a row.
  private static func slots(
    of minutes: Range<Int>, rowStart: Int, _ slotMinutes: Int, _ slotsPerRow: Int
  ) -> Range<Int> {
    let first = max(0, (minutes.lowerBound - rowStart + slotMinutes - 1) / slotMinutes)
    let end = min(slotsPerRow, (minutes.upperBound - rowStart + slotMinutes - 1) / slotMinutes)
    return first..<max(first, end)
  }

  private mutating func addSeries(
    _ packed: Span<UInt8>, _ slots: Range<Int>, _ group: Int, rowStart: Int, _ slotMinutes: Int
  ) {
    if sessions[group].series.isEmpty {
      sessions[group].series = Array(repeating: SessionCounts(), count: query.bucketCount)
      sessionSeriesCount += 1
    }
    CountGrid.forEachSlot(packed) { slot, counts in
      guard slots.contains(slot), let bucket = query.bucket(ofMinute: rowStart + slot * slotMinutes)
      else { return }
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
    if isSelective {
      let statement = try connection.prepare("\(columns) WHERE hour = ? AND scope = ?")
      for hour in try connection.stored(hours, "hour", of: "duration_hour") {
        for seriesID in groupOfSeries.keys {
          statement.bind(1, hour)
          statement.bind(2, seriesID)
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
