internal import ReleaseHealth
internal import Storage

/// Counts the distinct users of groups: whole days from the sets of days, the rest from the sets of
/// hours, and open hours from the changes of minutes.
///
/// It reads one group after the other: the sets of a few hundred releases over two weeks would take
/// hundreds of megabytes.
struct UserReader {
  /// The user counts of a group.
  struct Counts {
    var totals = UserCounts()
    /// The counts of each bucket; empty while no user is counted.
    var series: [UserCounts] = []
  }

  private let connection: Connection
  private let query: HealthQuery
  /// The hours of each series that are read from the changes of minutes.
  private let openHours: [Int64: [Int]]
  /// The users of the current group: of each bucket or, without a time series, of the whole range;
  /// empty while no user is counted.
  private var totals = UserSets()
  private var series: [UserSets] = []

  /// The series of a group in one environment of a project.
  private struct Part {
    var members: [SelectedSeries.Member]
    /// Whether these are all series of the environment.
    var isWholeEnvironment: Bool
  }

  /// - Parameter groupCount: the number of groups, of which each member has one.
  static func read(
    _ query: HealthQuery, _ selected: SelectedSeries, groupCount: Int, from connection: Connection
  ) throws(StoreError) -> [Counts] {
    var reader = UserReader(
      connection: connection, query: query,
      openHours: try openHours(query.wholeHours, of: selected, from: connection))
    var counts = Array(repeating: Counts(), count: groupCount)
    for (group, parts) in try parts(of: selected.members) {
      if !query.wholeHours.isEmpty {
        try reader.readOpenHours(parts)
        try reader.readSets(parts)
      }
      for range in query.minuteRanges { try reader.readMinutes(range, parts) }
      counts[group] = reader.close()
    }
    return counts
  }

  /// The series by group and environment.
  private static func parts(
    of selected: [SelectedSeries.Member]
  ) throws(StoreError) -> [Int: [Part]] {
    struct Environment: Hashable {
      var project: ProjectID
      var id: Int64
    }
    var parts: [Int: [Part]] = [:]
    let environments = Dictionary(grouping: selected) {
      Environment(project: $0.project, id: $0.environment)
    }
    for members in environments.values {
      try CurrentQuery.check()
      let groups = Dictionary(grouping: members, by: \.group)
      for (group, members) in groups {
        parts[Int(group), default: []].append(
          Part(
            members: members,
            isWholeEnvironment: groups.count == 1 && members[0].isOfWholeEnvironment))
      }
    }
    return parts
  }

  /// Counts the current group, and releases its sets.
  private mutating func close() -> Counts {
    for sets in series { totals.formUnion(sets) }
    let counts = Counts(totals: totals.counts, series: series.map(\.counts))
    totals = UserSets()
    series = []
    return counts
  }

  // MARK: Sets

  private mutating func readSets(_ parts: [Part]) throws(StoreError) {
    let ofEnvironments = try connection.prepare(
      """
      SELECT day, sets FROM user_environment_day
      WHERE project = ?1 AND environment = ?2 AND day >= ?3 AND day < ?4 AND sets IS NOT NULL
      """)
    let ofDays = try connection.prepare(
      "SELECT day, sets FROM user_day WHERE scope = ? AND day >= ? AND day < ?")
    let ofHours = try connection.prepare(
      "SELECT hour, sets FROM user_hour WHERE scope = ? AND hour >= ? AND hour < ?")
    for part in parts {
      let days = try readEnvironment(part, ofEnvironments)
      for member in part.members {
        // Days that a coarser set answered are not read from finer ones.
        var answered = days
        for gap in query.wholeDays.gaps(without: days) {
          ofDays.bind(1, member.id)
          bind(gap, to: ofDays, from: 2)
          while try ofDays.step() {
            answered.append(Int(ofDays.integer(0)))
            formUnion(ofDays, rowMinutes: 1440)
          }
        }
        let hours = answered.sorted().map { $0 * 24..<$0 * 24 + 24 }
        for gap in query.wholeHours.gaps(without: hours) {
          ofHours.bind(1, member.id)
          bind(gap, to: ofHours, from: 2)
          while try ofHours.step() { formUnion(ofHours, rowMinutes: 60) }
        }
      }
    }
  }

  /// Reads the days for which one set has all releases of an environment, if the group has all of
  /// them.
  ///
  /// - Returns: the days, ascending.
  private mutating func readEnvironment(
    _ part: Part, _ rows: Statement
  ) throws(StoreError) -> [Int] {
    guard part.isWholeEnvironment, !query.wholeDays.isEmpty else { return [] }
    var days: [Int] = []
    rows.bind(1, part.members[0].project.rawValue)
    rows.bind(2, part.members[0].environment)
    bind(query.wholeDays, to: rows, from: 3)
    while try rows.step() {
      days.append(Int(rows.integer(0)))
      formUnion(rows, rowMinutes: 1440)
    }
    return days
  }

  private func bind(_ range: Range<Int>, to statement: Statement, from index: Int32) {
    statement.bind(index, range.lowerBound)
    statement.bind(index + 1, range.upperBound)
  }

  /// Adds the packed sets of a row, whose columns are its day or hour, and the sets.
  private mutating func formUnion(_ row: Statement, rowMinutes: Int) {
    update(query.bucket(ofMinute: Int(row.integer(0)) * rowMinutes)) { sets in
      row.withBlob(1) { sets.formUnion(packed: $0) }
    }
  }

  // MARK: Minutes

  private static func openHours(
    _ hours: Range<Int>, of selected: SelectedSeries, from connection: Connection
  ) throws(StoreError) -> [Int64: [Int]] {
    var open: [Int64: [Int]] = [:]
    if selected.isSelective {
      let row = try connection.prepare("SELECT 1 FROM user_hour_open WHERE hour = ? AND scope = ?")
      for hour in try connection.stored(hours, "hour", of: "user_hour_open") {
        for member in selected.members {
          row.bind(1, hour)
          row.bind(2, member.id)
          while try row.step() { open[member.id, default: []].append(hour) }
        }
      }
      return open
    }
    try connection.forEachRow(
      "SELECT hour, scope FROM user_hour_open WHERE hour >= ? AND hour < ?",
      [hours.lowerBound, hours.upperBound]
    ) { open[$0.integer(1), default: []].append(Int($0.integer(0))) }
    return open
  }

  private mutating func readOpenHours(_ parts: [Part]) throws(StoreError) {
    let rows = try connection.prepare(
      "SELECT minute, changes FROM user_minute WHERE hour = ? AND scope = ?")
    for member in parts.lazy.flatMap(\.members) {
      for hour in openHours[member.id] ?? [] {
        rows.bind(1, hour)
        rows.bind(2, member.id)
        let bucket = query.bucket(ofMinute: hour * 60)
        try readMinutes(rows) { _ in bucket }
      }
    }
  }

  private mutating func readMinutes(_ minutes: Range<Int>, _ parts: [Part]) throws(StoreError) {
    let rows = try connection.prepare(
      """
      SELECT minute, changes FROM user_minute
      WHERE hour = ?1 AND scope = ?2 AND minute >= ?3 AND minute < ?4
      """)
    let query = query
    for hour in try connection.stored(minutes.buckets(of: 60), "hour", of: "user_minute") {
      for member in parts.lazy.flatMap(\.members) {
        rows.bind(1, hour)
        rows.bind(2, member.id)
        rows.bind(3, minutes.lowerBound - hour * 60)
        rows.bind(4, minutes.upperBound - hour * 60)
        try readMinutes(rows) { query.bucket(ofMinute: hour * 60 + $0) }
      }
    }
  }

  /// Reads the users of minutes, from rows of the minute of the hour and its changes.
  private mutating func readMinutes(
    _ rows: Statement, bucket: (_ minute: Int) -> Int?
  ) throws(StoreError) {
    var minutes = UserMinutes()
    func insert(minute: Int, parts: [UserChanges], into reader: inout UserReader) {
      reader.update(bucket(minute)) { sets in
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

  /// Changes the users of a bucket; without a time series, those of the whole range.
  private mutating func update(_ bucket: Int?, _ change: (inout UserSets) -> Void) {
    guard let bucket else { return change(&totals) }
    if series.isEmpty { series = Array(repeating: UserSets(), count: query.bucketCount) }
    change(&series[bucket])
  }
}

extension Range<Int> {
  /// The parts of the range without some of its numbers, ascending.
  func gaps(without taken: [Int]) -> [Range<Int>] {
    gaps(without: taken.map { $0..<$0 + 1 })
  }

  /// The parts of the range without some subranges, which are ascending and disjoint.
  func gaps(without taken: [Range<Int>]) -> [Range<Int>] {
    var gaps: [Range<Int>] = []
    var start = lowerBound
    for part in taken {
      if start < part.lowerBound { gaps.append(start..<part.lowerBound) }
      start = part.upperBound
    }
    if start < upperBound { gaps.append(start..<upperBound) }
    return gaps
  }
}
