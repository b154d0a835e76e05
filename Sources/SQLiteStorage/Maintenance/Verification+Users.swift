internal import Storage

/// Checks user sets against their rows, their parts and each other.
extension Verification {
  /// Checks that sets of hours match their rows, that sets of days are the unions of their hours,
  /// and that all users exist.
  mutating func checkSets() throws(StoreError) {
    try connection.forEachRow("SELECT hour, scope, sets, final FROM user_hour") {
      (row) throws(StoreError) in
      let (hour, seriesID) = (Int(row.integer(0)), row.integer(1))
      let sets = readable(row.blob(2), "an hour's users of series \(seriesID) at \(name(hour))")
      guard row.integer(3) == 0 else { return }
      let open = try connection.number(
        "SELECT 1 FROM user_hour_open WHERE hour = ? AND scope = ?", [hour, seriesID])
      expect(open == nil, "sets of users") { [name] in
        "series \(seriesID) has a set at \(name(hour)), which is open"
      }
      let built = try builtSets(hour, seriesID)
      expect(built == sets, "sets of users") { [name] in
        "the set of series \(seriesID) at \(name(hour)) is not that of its minutes"
      }
    }
    try checkRowsWithoutSets()
    try checkDaysWithoutSets()
    try checkDaySets()
    try checkUnions()
  }

  /// Builds the sets of an hour from its minutes.
  private func builtSets(_ hour: Int, _ seriesID: Int64) throws(StoreError) -> UserSets {
    var sets = UserSets()
    var minutes = UserMinutes()
    func insert(minute: Int, parts: [UserChanges]) {
      UserChanges.forEachUser(parts) { sets.insert($0.user, kind: $0.kind) }
    }
    try connection.forEachRow(
      "SELECT minute, changes FROM user_minute WHERE hour = ? AND scope = ?", [hour, seriesID]
    ) { minutes.add(minute: $0.integer(0), packed: $0.blob(1), insert) }
    minutes.finish(insert)
    return sets
  }

  /// Checks that closed hours with minutes have a set.
  private mutating func checkRowsWithoutSets() throws(StoreError) {
    try connection.forEachRow(
      """
      SELECT DISTINCT hour, scope FROM user_minute AS each
      WHERE NOT EXISTS (
          SELECT 1 FROM user_hour_open WHERE hour = each.hour AND scope = each.scope)
        AND NOT EXISTS (SELECT 1 FROM user_hour WHERE hour = each.hour AND scope = each.scope)
      """
    ) { (row) throws(StoreError) in
      let (hour, seriesID) = (Int(row.integer(0)), row.integer(1))
      // The changes may cancel out.
      expect(try builtSets(hour, seriesID).isEmpty, "sets of users") { [name] in
        "users of series \(seriesID) at \(name(hour)) are in no set, and the hour is not open"
      }
    }
  }

  /// Checks that days whose hours have sets have their own, or are open.
  private mutating func checkDaysWithoutSets() throws(StoreError) {
    try connection.forEachRow(
      """
      SELECT DISTINCT hour / 24, scope FROM user_hour AS each
      WHERE NOT EXISTS (SELECT 1 FROM user_day WHERE scope = each.scope AND day = each.hour / 24)
        AND NOT EXISTS (
          SELECT 1 FROM user_day_open WHERE day = each.hour / 24 AND scope = each.scope)
        AND hour / 24 > (SELECT coalesce(max(value), -1) FROM setting WHERE name = 'counts_dropped')
      """
    ) { row in
      let (day, seriesID) = (Int(row.integer(0)), row.integer(1))
      expect(false, "sets of users") { [name] in
        "series \(seriesID) has no set on the day of \(name(day * 24)), which is not open"
      }
    }
  }

  private mutating func checkDaySets() throws(StoreError) {
    let hours = try connection.prepare(
      "SELECT sets FROM user_hour WHERE scope = ? AND hour >= ? AND hour < ?")
    try connection.forEachRow("SELECT day, scope, sets FROM user_day") {
      (row) throws(StoreError) in
      let (day, seriesID) = (Int(row.integer(0)), row.integer(1))
      let sets = readable(
        row.blob(2), "a day's users of series \(seriesID) on the day of \(name(day * 24))")
      hours.bind([seriesID, day * 24, day * 24 + 24])
      let union = try hours.unitedSets().sets
      expect(union == sets, "sets of users") { [name] in
        "the set of series \(seriesID) on the day of \(name(day * 24)) is not that of its hours"
      }
    }
  }

  /// Checks that the sets of an environment's day are the unions of its series' sets, which are all
  /// closed, and that each day of a series has a day of its environment, built or not.
  private mutating func checkUnions() throws(StoreError) {
    let parts = try connection.prepare(UserTables.daysOfEnvironment)
    try connection.forEachRow(
      "SELECT project, environment, day, sets FROM user_environment_day WHERE sets IS NOT NULL"
    ) { (row) throws(StoreError) in
      let (project, environment, day) = (row.integer(0), row.integer(1), Int(row.integer(2)))
      let place =
        "the users of environment \(environment) of project \(project) on the day of "
        + name(day * 24)
      let sets = readable(row.blob(3), place)
      parts.bind([project, environment, day])
      let union = try parts.unitedSets().sets
      expect(union == sets, "sets of users") { "\(place): not those of its releases" }
    }
    try connection.forEachRow(
      """
      SELECT 'is open', day, scope FROM user_day_open JOIN scope ON scope.id = scope
        JOIN user_environment_day USING (project, environment, day) WHERE sets IS NOT NULL
      UNION ALL
      SELECT 'has users', day, scope FROM user_day JOIN scope ON scope.id = scope
      WHERE NOT EXISTS (SELECT 1 FROM user_environment_day AS each WHERE each.day = user_day.day
        AND each.project = scope.project AND each.environment = scope.environment)
      """
    ) { row in
      let (what, day, seriesID) = (row.text(0), Int(row.integer(1)), row.integer(2))
      expect(false, "sets of users") { [name] in
        "series \(seriesID) \(what) on the day of \(name(day * 24)), which its environment's sets miss"
      }
    }
  }

  private mutating func readable(_ packed: [UInt8], _ place: String) -> UserSets {
    var sets = UserSets()
    let isWhole = sets.formUnion(packed: packed.span)
    expect(isWhole, "sets of users") { "\(place): cannot be read" }
    let all = UserBitmap()
    sets.addAll(to: all)
    expect(all.isSubset(of: knownUsers), "sets of users") { "\(place): some have no such number" }
    return sets
  }
}
