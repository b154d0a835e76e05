internal import ReleaseHealth
internal import Storage

/// Reads the distinct users of groups: days from their sets, what is left from those of hours, and
/// what is open from the changes of minutes.
struct UserReader {
  /// The users of a group.
  struct Users {
    var totals = UserSets()
    /// One a bucket; empty while nobody was seen.
    var series: [UserSets] = []
  }

  private let connection: Connection
  private let query: HealthQuery
  private let scopes: [SelectedScopes.Member]
  private let groupOfScope: [Int64: Int]
  private var groups: [Users]

  /// - Parameter groupOfScope: the group of each of the scopes, from 0 to below `groupCount`.
  static func read(
    _ query: HealthQuery, _ scopes: [SelectedScopes.Member], groupOfScope: [Int64: Int],
    groupCount: Int, from connection: Connection
  ) throws(StoreError) -> [Users] {
    var reader = UserReader(
      connection: connection, query: query, scopes: scopes, groupOfScope: groupOfScope,
      groups: Array(repeating: Users(), count: groupCount))
    if !query.wholeHours.isEmpty {
      try reader.readOpenHours()
      try reader.readSets()
    }
    for range in query.minuteRanges { try reader.readMinutes(range) }
    for group in reader.groups.indices {
      for sets in reader.groups[group].series { reader.groups[group].totals.formUnion(sets) }
    }
    return reader.groups
  }

  // MARK: Sets

  private mutating func readSets() throws(StoreError) {
    let ofEnvironments = try connection.prepare(
      """
      SELECT day, sets FROM user_environment_day
      WHERE project = ?1 AND environment = ?2 AND day >= ?3 AND day < ?4 AND sets IS NOT NULL
      """)
    let ofDays = try connection.prepare(
      "SELECT day, sets FROM user_day WHERE scope = ? AND day >= ? AND day < ?")
    let ofHours = try connection.prepare(
      "SELECT hour, sets FROM user_hour WHERE scope = ? AND hour >= ? AND hour < ?")
    for members in membersByEnvironment {
      let days = try readEnvironment(members, ofEnvironments)
      for member in members {
        guard let group = groupOfScope[member.id] else { continue }
        // What a coarser set answered is not asked of finer ones.
        var answered = days
        for gap in query.wholeDays.gaps(without: days) {
          ofDays.bind(1, member.id)
          bind(gap, to: ofDays, from: 2)
          while try ofDays.step() {
            answered.append(Int(ofDays.integer(0)))
            formUnion(ofDays, rowMinutes: 1440, group)
          }
        }
        let hours = answered.sorted().map { $0 * 24..<$0 * 24 + 24 }
        for gap in query.wholeHours.gaps(without: hours) {
          ofHours.bind(1, member.id)
          bind(gap, to: ofHours, from: 2)
          while try ofHours.step() { formUnion(ofHours, rowMinutes: 60, group) }
        }
      }
    }
  }

  /// Those of each environment of a project.
  private var membersByEnvironment: [[SelectedScopes.Member]] {
    Array(Dictionary(grouping: scopes) { [$0.scope.project.rawValue, $0.environment] }.values)
  }

  /// Reads the days that are united over all releases of an environment, if all of these are in one
  /// group.
  ///
  /// - Returns: the days, ascending.
  private mutating func readEnvironment(
    _ members: [SelectedScopes.Member], _ rows: Statement
  ) throws(StoreError) -> [Int] {
    guard let first = members.first, first.isOfWholeEnvironment,
      let group = groupOfScope[first.id],
      members.allSatisfy({ groupOfScope[$0.id] == group }), !query.wholeDays.isEmpty
    else { return [] }
    var days: [Int] = []
    rows.bind(1, first.scope.project.rawValue)
    rows.bind(2, first.environment)
    bind(query.wholeDays, to: rows, from: 3)
    while try rows.step() {
      days.append(Int(rows.integer(0)))
      formUnion(rows, rowMinutes: 1440, group)
    }
    return days
  }

  private func bind(_ range: Range<Int>, to statement: Statement, from index: Int32) {
    statement.bind(index, range.lowerBound)
    statement.bind(index + 1, range.upperBound)
  }

  /// Adds the packed sets of a row: its day or hour, the sets.
  private mutating func formUnion(_ row: Statement, rowMinutes: Int, _ group: Int) {
    update(group, query.bucket(ofMinute: Int(row.integer(0)) * rowMinutes)) { sets in
      row.withBlob(1) { sets.formUnion(packed: $0) }
    }
  }

  // MARK: Minutes

  private mutating func readOpenHours() throws(StoreError) {
    let hours = query.wholeHours
    let open = try connection.prepare(
      "SELECT hour, scope FROM user_hour_open WHERE hour >= ? AND hour < ?")
    let parts = try connection.prepare(
      "SELECT minute, changes FROM user_minute WHERE hour = ? AND scope = ?")
    bind(hours, to: open, from: 1)
    while try open.step() {
      guard let group = groupOfScope[open.integer(1)] else { continue }
      parts.bind(1, open.integer(0))
      parts.bind(2, open.integer(1))
      let bucket = query.bucket(ofMinute: Int(open.integer(0)) * 60)
      try readMinutes(parts, group) { _ in bucket }
    }
  }

  private mutating func readMinutes(_ minutes: Range<Int>) throws(StoreError) {
    let parts = try connection.prepare(
      """
      SELECT minute, changes FROM user_minute
      WHERE hour = ?1 AND scope = ?2 AND minute >= ?3 AND minute < ?4
      """)
    let query = query
    let hours =
      minutes.lowerBound.flooredDivision(by: 60)...(minutes.upperBound - 1).flooredDivision(by: 60)
    for hour in hours {
      for (scope, group) in groupOfScope {
        parts.bind(1, hour)
        parts.bind(2, scope)
        parts.bind(3, minutes.lowerBound - hour * 60)
        parts.bind(4, minutes.upperBound - hour * 60)
        try readMinutes(parts, group) { query.bucket(ofMinute: hour * 60 + $0) }
      }
    }
  }

  /// Reads the users of minutes (rows of a minute of the hour and changes).
  private mutating func readMinutes(
    _ rows: Statement, _ group: Int, bucket: (_ minute: Int) -> Int?
  ) throws(StoreError) {
    var minutes = UserMinutes()
    func insert(minute: Int, parts: [UserChanges], into reader: inout UserReader) {
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
    guard let bucket else { return change(&groups[group].totals) }
    if groups[group].series.isEmpty {
      groups[group].series = Array(repeating: UserSets(), count: query.bucketCount)
    }
    change(&groups[group].series[bucket])
  }
}

extension Range<Int> {
  /// What is left of the range without some of its numbers, ascending.
  func gaps(without taken: [Int]) -> [Range<Int>] {
    gaps(without: taken.map { $0..<$0 + 1 })
  }

  /// What is left of the range without some parts of it, ascending and apart.
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
