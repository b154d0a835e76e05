internal import ReleaseHealth
internal import Storage

/// Checks the counts, users and durations of each hour against the states of its sessions.
extension Verification {
  /// The stored values of an hour and series.
  private struct Stored {
    var identified = CountGrid()
    var aggregated = CountGrid()
    var day = SessionCounts()
    var dayAggregated = SessionCounts()
    var users: [HourDelta.UserKey: Int64] = [:]
    var durations = DurationHistogram()
  }

  mutating func checkHours(_ progress: DataFile.Progress) throws(StoreError) {
    guard let hours = try hours() else { return }
    for hour in hours {
      try check(hour: hour)
      progress(hour - hours.lowerBound + 1, hours.count)
    }
  }

  /// The hours from the first to the last that has states, minutes or rows of users.
  private func hours() throws(StoreError) -> ClosedRange<Int>? {
    var hours: ClosedRange<Int>?
    for (column, unit, table) in [
      ("hour", 1, "session_minute"), ("hour", 1, "user_minute"),
      ("earliest", 3_600_000, "session WHERE latest IS NOT NULL"),
      ("started", 3_600_000, "session WHERE latest IS NULL"),
    ] {
      for order in ["ASC", "DESC"] {
        let value = try connection.number(
          "SELECT \(column) FROM \(table) ORDER BY \(column) \(order) LIMIT 1")
        guard let value else { continue }
        let found = Int(value).flooredDivision(by: unit)
        hours = min(hours?.lowerBound ?? found, found)...max(hours?.upperBound ?? found, found)
      }
    }
    return hours
  }

  private mutating func check(hour: Int) throws(StoreError) {
    if hour < firstCountedHour { return }
    let expected = try recomputed(hour: hour)
    let stored = try stored(hour: hour)
    let isWhole = hour >= firstWholeHour
    for seriesID in Set(expected.keys).union(stored.keys).sorted() {
      let want = expected[seriesID] ?? HourDelta()
      let have = stored[seriesID] ?? Stored()
      let place = { [name] (what: String) in "\(what) of series \(seriesID) at \(name(hour))" }
      for severity in Severity.allCases {
        let (wanted, found) = (want.identified.total[severity], have.day[severity])
        expect(isWhole ? found == wanted : found >= wanted, "counts") {
          "\(place("\(severity.name) sessions")): \(found), but the states say \(wanted)"
        }
      }
      if hour >= firstMinutesHour {
        compareMinutes(want, have, isWhole: isWhole, place)
        compareUsers(want, have, isWhole: isWhole, place)
      }
      compareDurations(want, have, isWhole: isWhole, place)
    }
  }

  private mutating func compareMinutes(
    _ want: HourDelta, _ have: Stored, isWhole: Bool, _ place: (String) -> String
  ) {
    if isWhole {
      expect(have.identified == want.identified, "minutes") {
        "\(place("minutes")): not those that the states say"
      }
    }
    guard !Self.isSaturated(have.day), !Self.isSaturated(have.dayAggregated) else { return }
    expect(have.identified.total == have.day, "minutes") {
      "\(place("minutes")): \(have.identified.total.total), the day has \(have.day.total)"
    }
    expect(have.aggregated.total == have.dayAggregated, "minutes") {
      "\(place("minutes of aggregates")): \(have.aggregated.total.total), "
        + "the day has \(have.dayAggregated.total)"
    }
  }

  private mutating func compareUsers(
    _ want: HourDelta, _ have: Stored, isWhole: Bool, _ place: (String) -> String
  ) {
    // Users of session aggregates cannot be distinguished from the others.
    let isExact = isWhole && have.aggregated.slots.isEmpty
    let wanted = want.users
    for (user, sessions) in wanted where sessions > 0 {
      let found = have.users[user] ?? 0
      expect(isExact ? found == sessions : found >= sessions, "rows of users") {
        "\(place("user \(user.user), kind \(user.kind.rawValue)")): "
          + "\(found) sessions, but the states say \(sessions)"
      }
    }
    for (user, sessions) in have.users {
      if isExact {
        expect(wanted[user] ?? 0 > 0, "rows of users") {
          "\(place("user \(user.user), kind \(user.kind.rawValue)")): "
            + "\(sessions) sessions, but no state says so"
        }
      }
      expect(knownUsers.contains(user.user), "rows of users") {
        "\(place("user \(user.user)")): nobody has this number"
      }
    }
  }

  private mutating func compareDurations(
    _ want: HourDelta, _ have: Stored, isWhole: Bool, _ place: (String) -> String
  ) {
    let isExact = isWhole && have.dayAggregated.isZero
    let (wanted, found) = (want.durations.counts, have.durations.counts)
    for bucket in Set(wanted.keys).union(found.keys) {
      let (wanted, found) = (wanted[bucket] ?? 0, found[bucket] ?? 0)
      expect(isExact ? found == wanted : found >= wanted, "durations") {
        "\(place("durations of \(DurationHistogram.range(ofBucket: bucket).lowerBound) ms")): "
          + "\(found), but the states say \(wanted)"
      }
    }
    let (total, stored) = (want.durations.totalMilliseconds, have.durations.totalMilliseconds)
    expect(isExact ? stored == total : stored >= total, "durations") {
      "\(place("durations")): \(stored) ms in all, but the states say \(total)"
    }
  }

  /// The values of an hour, recomputed from the states, by series id.
  private func recomputed(hour: Int) throws(StoreError) -> [Int64: HourDelta] {
    var deltas: [Int64: HourDelta] = [:]
    for condition in ["started >= ?1 AND started < ?2 AND latest IS NULL", Self.drifted] {
      try connection.forEachRow(
        """
        SELECT started, scope, flags, duration, users, earliest, latest FROM session
        WHERE \(condition)
        """, [hour * 3_600_000, (hour + 1) * 3_600_000]
      ) { (row) throws(StoreError) in
        let session = try SessionRow.read(row, from: 2, started: row.time(0))
        let contribution = session.contribution
        deltas[row.integer(1), default: HourDelta()]
          .apply(contribution, minute: HourDelta.split(minute: contribution.minute).minute, sign: 1)
      }
    }
    return deltas
  }

  private static let drifted = "latest IS NOT NULL AND earliest >= ?1 AND earliest < ?2"

  private func stored(hour: Int) throws(StoreError) -> [Int64: Stored] {
    var found: [Int64: Stored] = [:]
    try connection.forEachRow(
      "SELECT scope, identified, anonymous FROM session_minute WHERE hour = ?", [hour]
    ) { row in
      found[row.integer(0), default: Stored()].identified = CountGrid(packed: row.blob(1))
      found[row.integer(0), default: Stored()].aggregated = CountGrid(packed: row.blob(2))
    }
    let day = hour.flooredDivision(by: 24)
    try connection.forEachRow(
      "SELECT scope, identified, anonymous FROM session_day WHERE day = ?", [day]
    ) { row in
      let slot = hour - day * 24
      let identified = CountGrid(packed: row.blob(1))[slot]
      let aggregated = CountGrid(packed: row.blob(2))[slot]
      if identified == nil, aggregated == nil { return }
      found[row.integer(0), default: Stored()].day = identified ?? SessionCounts()
      found[row.integer(0), default: Stored()].dayAggregated = aggregated ?? SessionCounts()
    }
    try connection.forEachRow(
      "SELECT scope, minute, changes FROM user_minute WHERE hour = ?", [hour]
    ) { row in
      for change in UserChanges(packed: row.blob(2)).changes {
        guard let kind = UserKind(rawValue: change.key.kind) else { continue }
        let key = HourDelta.UserKey(minute: Int(row.integer(1)), kind: kind, user: change.key.user)
        let known = found[row.integer(0)]?.users[key] ?? 0
        let sum = UserChanges.sum(known, change.sessions)
        found[row.integer(0), default: Stored()].users[key] = sum == 0 ? nil : sum
      }
    }
    try connection.forEachRow(
      "SELECT scope, histogram, total FROM duration_hour WHERE hour = ?", [hour]
    ) { row in
      found[row.integer(0), default: Stored()].durations = DurationHistogram(
        packed: row.blob(1), totalMilliseconds: row.integer(2))
    }
    return found
  }

  static func isSaturated(_ counts: SessionCounts) -> Bool {
    Severity.allCases.contains { counts[$0] >= 1 << 60 }
  }
}
