internal import ReleaseHealth
internal import Storage

/// Answers one ``HealthQuery`` on a reader's connection, from the packed counts, the sets of users
/// and the histograms of durations; never from session states.
struct HealthReader {
  private let connection: Connection
  private let query: HealthQuery
  /// The group of each scope that counts.
  private var groupOfScope: [Int64: Int] = [:]
  /// ``SelectedScopes/isSelective``
  private var isSelective = false
  private var keys: [GroupKey] = []
  private var sessions: [GroupSessions] = []
  private var users: [GroupUsers] = []
  private var durations: [GroupDurations] = []

  private struct GroupSessions {
    var totals = SessionCounts()
    /// One a bucket; empty while nothing was counted.
    var series: [SessionCounts] = []
  }

  private struct GroupUsers {
    var totals = UserSets()
    /// One a bucket; empty while nothing was counted.
    var series: [UserSets] = []
  }

  private struct GroupDurations {
    var totals = DurationSum()
    /// One a bucket; empty while nothing was counted.
    var series: [DurationSummary?] = []
  }

  static func read(_ query: HealthQuery, from connection: Connection) throws(StoreError)
    -> [HealthGroup]
  {
    // A range in the future has no minutes at all.
    if query.minutes.isEmpty { return [] }
    var reader = HealthReader(connection: connection, query: query)
    // One snapshot for all statements, so that the numbers belong together.
    return try connection.transaction("DEFERRED") { () throws(StoreError) in
      try reader.readScopes()
      if query.measures.contains(.sessions) { try reader.readSessions() }
      if query.measures.contains(.users) { try reader.readUsers() }
      if query.measures.contains(.durations) { try reader.readDurations() }
      return reader.groups
    }
  }

  private init(connection: Connection, query: HealthQuery) {
    self.connection = connection
    self.query = query
  }

  /// Groups in which something was counted, ordered by their keys.
  private var groups: [HealthGroup] {
    keys.indices.compactMap { index -> HealthGroup? in
      let totals = HealthCell(
        sessions: sessions[index].totals, users: users[index].totals.counts,
        durations: durations[index].totals.summary)
      if totals == HealthCell() { return nil }
      var series = Array(repeating: HealthCell(), count: query.bucketCount)
      for (bucket, counts) in sessions[index].series.enumerated() {
        series[bucket].sessions = counts
      }
      for (bucket, sets) in users[index].series.enumerated() { series[bucket].users = sets.counts }
      for (bucket, summary) in durations[index].series.enumerated() {
        series[bucket].durations = summary
      }
      return HealthGroup(key: keys[index], totals: totals, series: series)
    }
    .sorted { $0.key < $1.key }
  }

  private mutating func readScopes() throws(StoreError) {
    let selected = try SelectedScopes(query, from: connection)
    isSelective = selected.isSelective
    var groupOfKey: [GroupKey: Int] = [:]
    for (id, scope) in selected.scopes {
      let key = query.groupKey(of: scope)
      let group = groupOfKey[key] ?? keys.count
      if group == keys.count {
        groupOfKey[key] = group
        keys.append(key)
      }
      groupOfScope[id] = group
    }
    sessions = keys.map { _ in GroupSessions() }
    users = keys.map { _ in GroupUsers() }
    durations = keys.map { _ in GroupDurations() }
  }

  // MARK: Which grain answers which part

  /// Whether buckets begin and end at multiples of so many minutes, so that a coarser grain can
  /// answer for the whole ones among them.
  private func isAligned(to grainMinutes: Int) -> Bool {
    guard let interval = query.intervalMinutes else { return true }
    return interval % grainMinutes == 0 && query.minutes.lowerBound % grainMinutes == 0
  }

  /// The whole hours of the range that a coarser grain than minutes can answer.
  private var wholeHours: Range<Int> {
    guard isAligned(to: 60) else { return 0..<0 }
    let first = (query.minutes.lowerBound + 59).flooredDivision(by: 60)
    let end = query.minutes.upperBound.flooredDivision(by: 60)
    return first..<max(first, end)
  }

  /// The parts of the range that only minutes can answer.
  private var minuteRanges: [Range<Int>] {
    let hours = wholeHours
    let ranges =
      hours.isEmpty
      ? [query.minutes]
      : [
        query.minutes.lowerBound..<hours.lowerBound * 60,
        hours.upperBound * 60..<query.minutes.upperBound,
      ]
    // A range in the future is empty as a whole.
    return ranges.filter { !$0.isEmpty }
  }

  /// The bucket of a minute; nil without a series.
  private func bucket(ofMinute minute: Int) -> Int? {
    query.intervalMinutes.map { (minute - query.minutes.lowerBound) / $0 }
  }

  // MARK: Sessions

  private mutating func readSessions() throws(StoreError) {
    let hours = wholeHours
    if !hours.isEmpty {
      try readGrids(
        table: "session_day", row: "day", slotMinutes: 60, slotsPerRow: 24,
        minutes: hours.lowerBound * 60..<hours.upperBound * 60)
    }
    for range in minuteRanges {
      try readGrids(
        table: "session_minute", row: "hour", slotMinutes: 1, slotsPerRow: 60, minutes: range)
    }
  }

  private mutating func readGrids(
    table: String, row: String, slotMinutes: Int, slotsPerRow: Int, minutes: Range<Int>
  ) throws(StoreError) {
    let rowMinutes = slotMinutes * slotsPerRow
    let first = minutes.lowerBound.flooredDivision(by: rowMinutes)
    let end = (minutes.upperBound + rowMinutes - 1).flooredDivision(by: rowMinutes)
    let columns = "SELECT \(row), scope, identified, anonymous FROM \(table)"
    func read(_ statement: Statement, into reader: inout HealthReader) throws(StoreError) {
      while try statement.step() {
        guard let group = reader.groupOfScope[statement.integer(1)] else { continue }
        let rowStart = Int(statement.integer(0)) * rowMinutes
        for column: Int32 in [2, 3] {
          statement.withBlob(column) { packed in
            CountGrid.forEachSlot(packed) { slot, counts in
              let minute = rowStart + slot * slotMinutes
              guard minutes.contains(minute) else { return }
              reader.add(counts, group, reader.bucket(ofMinute: minute))
            }
          }
        }
      }
    }
    guard isSelective else {
      let statement = try connection.prepare("\(columns) WHERE \(row) >= ? AND \(row) < ?")
      statement.bind(1, first)
      statement.bind(2, end)
      return try read(statement, into: &self)
    }
    let statement = try connection.prepare("\(columns) WHERE \(row) = ? AND scope = ?")
    for number in first..<end {
      for scope in groupOfScope.keys {
        statement.bind(1, number)
        statement.bind(2, scope)
        try read(statement, into: &self)
      }
    }
  }

  private mutating func add(_ counts: SessionCounts, _ group: Int, _ bucket: Int?) {
    sessions[group].totals += counts
    guard let bucket else { return }
    if sessions[group].series.isEmpty {
      sessions[group].series = Array(repeating: SessionCounts(), count: query.bucketCount)
    }
    sessions[group].series[bucket] += counts
  }

  // MARK: Users

  private mutating func readUsers() throws(StoreError) {
    let hours = wholeHours
    if !hours.isEmpty {
      let days = wholeDays(of: hours)
      try readOpenHours(hours)
      try readSets(hours: hours, days: days)
    }
    for range in minuteRanges {
      try readUserRows(range)
    }
    for group in users.indices {
      for sets in users[group].series { users[group].totals.formUnion(sets) }
    }
  }

  /// The whole days among the hours that the sets of days can answer.
  private func wholeDays(of hours: Range<Int>) -> Range<Int> {
    guard isAligned(to: 1440) else { return 0..<0 }
    let first = (hours.lowerBound + 23).flooredDivision(by: 24)
    let end = hours.upperBound.flooredDivision(by: 24)
    return first..<max(first, end)
  }

  private mutating func readOpenHours(_ hours: Range<Int>) throws(StoreError) {
    let open = try connection.prepare(
      "SELECT hour, scope FROM user_hour_open WHERE hour >= ? AND hour < ?")
    let parts = try connection.prepare(
      "SELECT minute, changes FROM user_minute WHERE hour = ? AND scope = ?")
    open.bind(1, hours.lowerBound)
    open.bind(2, hours.upperBound)
    while try open.step() {
      guard let group = groupOfScope[open.integer(1)] else { continue }
      parts.bind(1, open.integer(0))
      parts.bind(2, open.integer(1))
      let bucket = bucket(ofMinute: Int(open.integer(0)) * 60)
      try readUserMinutes(parts, group) { _ in bucket }
    }
  }

  /// Days from their own sets, and what is left from those of the hours. Hours and days that are
  /// open have none.
  private mutating func readSets(hours: Range<Int>, days: Range<Int>) throws(StoreError) {
    let daySets = try connection.prepare(
      "SELECT day * 24, sets FROM user_day WHERE scope = ?1 AND day >= ?2 AND day < ?3")
    let hourSets = try connection.prepare(
      """
      SELECT hour, sets FROM user_hour WHERE scope = ?1 AND hour >= ?2 AND hour < ?3
        AND NOT (hour >= ?4 * 24 AND hour < ?5 * 24 AND EXISTS (
          SELECT 1 FROM user_day WHERE scope = ?1 AND day = hour / 24))
      """)
    for (scope, group) in groupOfScope {
      daySets.bind(1, scope)
      daySets.bind(2, days.lowerBound)
      daySets.bind(3, days.upperBound)
      if !days.isEmpty {
        while try daySets.step() { formUnion(daySets, group) }
      }
      hourSets.bind(1, scope)
      hourSets.bind(2, hours.lowerBound)
      hourSets.bind(3, hours.upperBound)
      hourSets.bind(4, days.lowerBound)
      hourSets.bind(5, days.upperBound)
      while try hourSets.step() { formUnion(hourSets, group) }
    }
  }

  /// Adds the packed sets of a row (its first hour, the sets).
  private mutating func formUnion(_ row: Statement, _ group: Int) {
    update(group, bucket(ofMinute: Int(row.integer(0)) * 60)) { $0.formUnion(packed: row.blob(1)) }
  }

  private mutating func readUserRows(_ minutes: Range<Int>) throws(StoreError) {
    let parts = try connection.prepare(
      """
      SELECT minute, changes FROM user_minute
      WHERE hour = ?1 AND scope = ?2 AND minute >= ?3 AND minute < ?4
      """)
    let hours =
      minutes.lowerBound.flooredDivision(by: 60)...(minutes.upperBound - 1).flooredDivision(by: 60)
    for hour in hours {
      for (scope, group) in groupOfScope {
        parts.bind(1, hour)
        parts.bind(2, scope)
        parts.bind(3, minutes.lowerBound - hour * 60)
        parts.bind(4, minutes.upperBound - hour * 60)
        let reader = self
        try readUserMinutes(parts, group) { reader.bucket(ofMinute: hour * 60 + $0) }
      }
    }
  }

  /// Reads the users of minutes (rows of a minute of the hour and changes).
  private mutating func readUserMinutes(
    _ rows: Statement, _ group: Int, bucket: (_ minute: Int) -> Int?
  ) throws(StoreError) {
    var minutes = UserMinutes()
    func insert(minute: Int, parts: [UserChanges], into reader: inout HealthReader) {
      reader.update(group, bucket(minute)) { sets in
        UserChanges.forEachUser(parts) { sets.insert($0.user, kind: $0.kind) }
      }
    }
    while try rows.step() {
      minutes.add(minute: rows.integer(0), packed: rows.blob(1)) {
        insert(minute: $0, parts: $1, into: &self)
      }
    }
    minutes.finish { insert(minute: $0, parts: $1, into: &self) }
  }

  /// Changes the users of a bucket or, without a series, of the whole range.
  private mutating func update(_ group: Int, _ bucket: Int?, _ change: (inout UserSets) -> Void) {
    guard let bucket else { return change(&users[group].totals) }
    if users[group].series.isEmpty {
      users[group].series = Array(repeating: UserSets(), count: query.bucketCount)
    }
    change(&users[group].series[bucket])
  }

  // MARK: Durations

  /// Hour by hour, so that of each group only the histogram of one bucket is held beside its
  /// totals.
  private mutating func readDurations() throws(StoreError) {
    let first = query.minutes.lowerBound.flooredDivision(by: 60)
    let end = (query.minutes.upperBound + 59).flooredDivision(by: 60)
    var open = OpenDurations(sums: keys.map { _ in DurationSum() })
    func read(_ statement: Statement, into reader: inout HealthReader) throws(StoreError) {
      while try statement.step() {
        guard let group = reader.groupOfScope[statement.integer(1)] else { continue }
        // The first hour may have begun before the range did.
        let minute = max(Int(statement.integer(0)) * 60, reader.query.minutes.lowerBound)
        let bucket = reader.bucket(ofMinute: minute)
        if open.bucket != bucket { reader.close(&open) }
        open.bucket = bucket
        open.groups.insert(group)
        open.sums[group].add(
          packed: statement.blob(2), totalMilliseconds: statement.integer(3))
      }
    }
    let columns = "SELECT hour, scope, histogram, total FROM duration_hour"
    if isSelective {
      let statement = try connection.prepare("\(columns) WHERE hour = ? AND scope = ?")
      for hour in first..<end {
        for scope in groupOfScope.keys {
          statement.bind(1, hour)
          statement.bind(2, scope)
          try read(statement, into: &self)
        }
      }
    } else {
      let statement = try connection.prepare(
        "\(columns) WHERE hour >= ? AND hour < ? ORDER BY hour")
      statement.bind(1, first)
      statement.bind(2, end)
      try read(statement, into: &self)
    }
    close(&open)
  }

  /// The durations of the bucket that is being read.
  private struct OpenDurations {
    /// nil without a series.
    var bucket: Int?
    /// By group.
    var sums: [DurationSum]
    /// Those with durations.
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
