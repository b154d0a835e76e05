internal import ReleaseHealth
internal import Storage

/// Recomputes what was counted from the session states that are still there, and holds against each
/// other what is kept twice. Reads only, in one transaction.
struct Verification {
  private let connection: Connection
  private var report = VerificationReport()

  /// All states are there of sessions that start in this hour or later, so that the counts can be
  /// computed again.
  private let firstWholeHour: Int
  /// The minutes and rows of users are all there from this hour on.
  private let firstMinutesHour: Int
  /// Counts are there from this hour on.
  private let firstCountedHour: Int
  private let nextUser: Int64
  private let knownUsers = UserBitmap()

  private static let findingsMax = 100

  static func run(
    _ connection: Connection, progress: Progress
  ) throws(StoreError) -> VerificationReport {
    try connection.transaction("DEFERRED") { () throws(StoreError) in
      var verification = try Verification(connection)
      try verification.checkFile()
      // What older versions counted, and how, the newer program does not know.
      if try connection.number("PRAGMA user_version") != Database.schemaVersion {
        return verification.report
      }
      try verification.readUsers()
      try verification.checkHours(progress)
      try verification.checkDays()
      try verification.checkTimes()
      try verification.checkArrivals()
      try verification.checkSets()
      return verification.report
    }
  }

  private init(_ connection: Connection) throws(StoreError) {
    self.connection = connection
    let dropped = try connection.number("SELECT value FROM setting WHERE name = 'states_dropped'")
    // A state that was just as old as that may be gone.
    firstWholeHour = dropped.map { Int($0.flooredDivision(by: 3_600_000)) + 1 } ?? Int.min
    let minutes = try connection.number("SELECT value FROM setting WHERE name = 'minutes_dropped'")
    firstMinutesHour = minutes.map { Int($0) + 1 } ?? Int.min
    let days = try connection.number("SELECT value FROM setting WHERE name = 'counts_dropped'")
    firstCountedHour = days.map { (Int($0) + 1) * 24 } ?? Int.min
    nextUser = try connection.number("SELECT value FROM setting WHERE name = 'next_user'") ?? 0
  }

  // MARK: What is found

  private mutating func expect(_ isRight: Bool, _ check: String, _ detail: () -> String) {
    if let last = report.compared.indices.last, report.compared[last].check == check {
      report.compared[last].count += 1
    } else if let index = report.compared.firstIndex(where: { $0.check == check }) {
      report.compared[index].count += 1
    } else {
      report.compared.append((check, 1))
    }
    if isRight { return }
    report.findingCount += 1
    if report.findings.count < Self.findingsMax {
      report.findings.append(Finding(check: check, detail: detail()))
    }
  }

  private func name(_ hour: Int) -> String { RFC3339.format(Timestamp(minute: hour * 60)) }

  // MARK: The file

  private mutating func checkFile() throws(StoreError) {
    let integrity = try connection.prepare("PRAGMA integrity_check(20)")
    while try integrity.step() {
      let line = integrity.text(0)
      expect(line == "ok", "file") { line }
    }
    let references = try connection.prepare("PRAGMA foreign_key_check")
    while try references.step() {
      let (table, parent) = (references.text(0), references.text(2))
      expect(false, "file") { "a row of \(table) names a row of \(parent) that is not there" }
    }
  }

  private mutating func readUsers() throws(StoreError) {
    let users = try connection.prepare("SELECT id FROM user")
    var count: Int64 = 0
    while try users.step() {
      let id = users.integer(0)
      count += 1
      expect(id > 0 && id < nextUser, "users") { [nextUser] in
        "user \(id) has a number beyond \(nextUser)"
      }
      knownUsers.insert(UInt32(truncatingIfNeeded: id))
    }
    let distinct = knownUsers.count
    expect(distinct == count, "users") { "\(count) users have \(distinct) numbers" }
  }

  // MARK: Counts

  /// What the tables say of an hour and scope.
  private struct Stored {
    var identified = CountGrid()
    var anonymous = CountGrid()
    var day = SessionCounts()
    var dayAnonymous = SessionCounts()
    var users: [HourDelta.UserKey: Int64] = [:]
    var durations = DurationHistogram()
  }

  private mutating func checkHours(_ progress: Progress) throws(StoreError) {
    guard let hours = try hours() else { return }
    for hour in hours {
      try check(hour: hour)
      progress(hour - hours.lowerBound + 1, hours.count)
    }
  }

  /// From the first to the last hour of which a state, minutes or rows of users are there.
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
    for scope in Set(expected.keys).union(stored.keys).sorted() {
      let want = expected[scope] ?? HourDelta()
      let have = stored[scope] ?? Stored()
      let place = { [name] (what: String) in "\(what) of scope \(scope) at \(name(hour))" }
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
    guard !Self.isSaturated(have.day), !Self.isSaturated(have.dayAnonymous) else { return }
    expect(have.identified.total == have.day, "minutes") {
      "\(place("minutes")): \(have.identified.total.total), the day has \(have.day.total)"
    }
    expect(have.anonymous.total == have.dayAnonymous, "minutes") {
      "\(place("minutes of aggregates")): \(have.anonymous.total.total), "
        + "the day has \(have.dayAnonymous.total)"
    }
  }

  private mutating func compareUsers(
    _ want: HourDelta, _ have: Stored, isWhole: Bool, _ place: (String) -> String
  ) {
    // Users of aggregates cannot be told from the others.
    let isExact = isWhole && have.anonymous.slots.isEmpty
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
    let isExact = isWhole && have.dayAnonymous.isZero
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

  /// What the states say of an hour, by scope.
  private func recomputed(hour: Int) throws(StoreError) -> [Int64: HourDelta] {
    var deltas: [Int64: HourDelta] = [:]
    for condition in ["started >= ?1 AND started < ?2 AND latest IS NULL", Self.drifted] {
      let states = try connection.prepare(
        """
        SELECT started, scope, flags, duration, users, earliest, latest FROM session
        WHERE \(condition)
        """)
      states.bind(1, hour * 3_600_000)
      states.bind(2, (hour + 1) * 3_600_000)
      while try states.step() {
        let session = try SessionRow.read(
          states, from: 2, started: Timestamp(milliseconds: states.integer(0)))
        let contribution = session.contribution
        deltas[states.integer(1), default: HourDelta()]
          .apply(contribution, minute: HourDelta.split(minute: contribution.minute).minute, sign: 1)
      }
    }
    return deltas
  }

  private static let drifted = "latest IS NOT NULL AND earliest >= ?1 AND earliest < ?2"

  private func stored(hour: Int) throws(StoreError) -> [Int64: Stored] {
    var found: [Int64: Stored] = [:]
    let minutes = try connection.prepare(
      "SELECT scope, identified, anonymous FROM session_minute WHERE hour = ?")
    minutes.bind(1, hour)
    while try minutes.step() {
      found[minutes.integer(0), default: Stored()].identified = CountGrid(packed: minutes.blob(1))
      found[minutes.integer(0), default: Stored()].anonymous = CountGrid(packed: minutes.blob(2))
    }
    let day = hour.flooredDivision(by: 24)
    let days = try connection.prepare(
      "SELECT scope, identified, anonymous FROM session_day WHERE day = ?")
    days.bind(1, day)
    while try days.step() {
      let slot = hour - day * 24
      let identified = CountGrid(packed: days.blob(1))[slot]
      let anonymous = CountGrid(packed: days.blob(2))[slot]
      if identified == nil, anonymous == nil { continue }
      found[days.integer(0), default: Stored()].day = identified ?? SessionCounts()
      found[days.integer(0), default: Stored()].dayAnonymous = anonymous ?? SessionCounts()
    }
    let users = try connection.prepare(
      "SELECT scope, minute, changes FROM user_minute WHERE hour = ?")
    users.bind(1, hour)
    while try users.step() {
      for change in UserChanges(packed: users.blob(2)).changes {
        guard let kind = UserKind(rawValue: change.key.kind) else { continue }
        let key = HourDelta.UserKey(
          minute: Int(users.integer(1)), kind: kind, user: change.key.user)
        let known = found[users.integer(0)]?.users[key] ?? 0
        let sum = UserChanges.sum(known, change.sessions)
        found[users.integer(0), default: Stored()].users[key] = sum == 0 ? nil : sum
      }
    }
    let durations = try connection.prepare(
      "SELECT scope, histogram, total FROM duration_hour WHERE hour = ?")
    durations.bind(1, hour)
    while try durations.step() {
      found[durations.integer(0), default: Stored()].durations = DurationHistogram(
        packed: durations.blob(1), totalMilliseconds: durations.integer(2))
    }
    return found
  }

  private static func isSaturated(_ counts: SessionCounts) -> Bool {
    Severity.allCases.contains { counts[$0] >= 1 << 60 }
  }

  // MARK: What is kept for long

  /// Five counts, none of them negative, in every hour, of a release that is known.
  private mutating func checkDays() throws(StoreError) {
    let unknown = try connection.prepare(
      "SELECT DISTINCT scope FROM session_day WHERE scope NOT IN (SELECT id FROM scope)")
    while try unknown.step() {
      let scope = unknown.integer(0)
      expect(false, "days") { "scope \(scope) has counts, and nothing says of what" }
    }
    let days = try connection.prepare("SELECT day, scope, identified, anonymous FROM session_day")
    while try days.step() {
      let (day, scope) = (Int(days.integer(0)), days.integer(1))
      for column: Int32 in [2, 3] {
        let packed = days.blob(column)
        let grid = CountGrid(packed: packed)
        let isRight =
          grid.packed == packed
          && grid.slots.allSatisfy {
            (0..<24).contains($0.key) && !$0.value.hasNegative
          }
        expect(isRight, "days") { [name] in
          "the counts of scope \(scope) on the day of \(name(day * 24)) cannot be read"
        }
      }
    }
  }

  /// What arrived of an hour and scope.
  private struct Arrived {
    var all = SessionCounts()
    /// The part of aggregates.
    var anonymous = SessionCounts()
  }

  /// The changes by arrival add up to the counts, where none of them is gone yet.
  private mutating func checkArrivals() throws(StoreError) {
    let dropped = try connection.number("SELECT value FROM setting WHERE name = 'arrivals_dropped'")
    // An update may arrive a minute before its session starts, or more by a clock that was behind.
    let firstHour = max(dropped.map { Int($0 / 6) + 25 } ?? Int.min, firstCountedHour)
    // Of what older versions logged, nobody knows which part was of aggregates.
    let unsplit = try connection.number("SELECT value FROM setting WHERE name = 'arrivals_unsplit'")
    let firstSplitHour = unsplit.map { Int($0 / 6) + 25 } ?? Int.min
    let names = Severity.allCases.map(\.name)
    let columns = (names + names.map { "anonymous_\($0)" }).map { "sum(\($0))" }
      .joined(separator: ", ")
    let log = try connection.prepare(
      """
      SELECT hour, scope, \(columns) FROM arrival WHERE hour >= ?
      GROUP BY hour, scope ORDER BY hour, scope
      """)
    log.bind(1, firstHour)
    var hasMore = try log.step()
    let days = try connection.prepare(
      "SELECT day, scope, identified, anonymous FROM session_day WHERE day >= ? ORDER BY day")
    days.bind(1, firstHour.flooredDivision(by: 24))
    var day = Int.min
    var arrived: [BucketKey: Arrived] = [:]
    while try days.step() {
      if Int(days.integer(0)) != day {
        expectNothingElse(arrived)
        day = Int(days.integer(0))
        arrived = try Self.arrivals(before: day * 24 + 24, log, &hasMore)
      }
      let scope = days.integer(1)
      let anonymous = CountGrid(packed: days.blob(3))
      var found = CountGrid(packed: days.blob(2))
      found.add(anonymous)
      for (slot, counts) in found.slots where day * 24 + slot >= firstHour {
        let hour = day * 24 + slot
        let logged = arrived.removeValue(forKey: BucketKey(bucket: hour, scope: scope)) ?? Arrived()
        if Self.isSaturated(counts) { continue }
        expect(counts == logged.all, "arrivals") { [name] in
          "sessions of scope \(scope) at \(name(hour)): \(counts), but arrived are \(logged.all)"
        }
        if hour < firstSplitHour { continue }
        let part = anonymous[slot] ?? SessionCounts()
        expect(part == logged.anonymous, "arrivals") { [name] in
          "aggregates of scope \(scope) at \(name(hour)): \(part), but arrived are "
            + "\(logged.anonymous)"
        }
      }
    }
    expectNothingElse(arrived)
    expectNothingElse(try Self.arrivals(before: .max, log, &hasMore))
    try checkInitials(from: firstHour)
  }

  /// Sessions of which no update was the first, of hours whose states are all there.
  private mutating func checkInitials(from firstHour: Int) throws(StoreError) {
    let first = max(firstHour, firstWholeHour)
    func counts(_ sql: String) throws(StoreError) -> [BucketKey: Int64] {
      let statement = try connection.prepare(sql)
      statement.bind(1, first)
      var counts: [BucketKey: Int64] = [:]
      while try statement.step() {
        let key = BucketKey(bucket: Int(statement.integer(0)), scope: statement.integer(1))
        counts[key] = statement.integer(2)
      }
      return counts
    }
    let logged = try counts(
      """
      SELECT hour, scope, sum(without_initial) AS sessions FROM arrival WHERE hour >= ?
      GROUP BY hour, scope HAVING sessions <> 0
      """)
    let states = try counts(
      """
      SELECT coalesce(earliest, started) / 3600000 AS hour, scope, count(*) FROM session
      WHERE flags & 64 = 0 GROUP BY hour, scope HAVING hour >= ?
      """)
    for key in Set(logged.keys).union(states.keys) {
      let (found, wanted) = (logged[key] ?? 0, states[key] ?? 0)
      expect(found == wanted, "arrivals") { [name] in
        "sessions without init of scope \(key.scope) at \(name(key.bucket)): \(found), but the "
          + "states say \(wanted)"
      }
    }
  }

  /// What the log has for hours before one, from where it stands.
  private static func arrivals(
    before end: Int, _ log: Statement, _ hasMore: inout Bool
  ) throws(StoreError) -> [BucketKey: Arrived] {
    var arrived: [BucketKey: Arrived] = [:]
    while hasMore, log.integer(0) < end {
      var counts = Arrived()
      for (column, severity) in Severity.allCases.enumerated() {
        counts.all[severity] = log.integer(Int32(2 + column))
        counts.anonymous[severity] = log.integer(Int32(7 + column))
      }
      arrived[BucketKey(bucket: Int(log.integer(0)), scope: log.integer(1))] = counts
      hasMore = try log.step()
    }
    return arrived
  }

  private mutating func expectNothingElse(_ arrived: [BucketKey: Arrived]) {
    for (key, counts) in arrived {
      expect(counts.all.isZero, "arrivals") { [name] in
        "sessions of scope \(key.scope) at \(name(key.bucket)): none, but arrived are "
          + "\(counts.all)"
      }
    }
  }

  /// Times that come after each other do. Not those of adoption: a clock that was ahead may have
  /// left a release that was replaced before it was adopted.
  private mutating func checkTimes() throws(StoreError) {
    for (condition, table, what) in [
      ("latest < earliest", "session", "a session has its latest start before its earliest"),
      ("(latest IS NULL) != (earliest IS NULL)", "session", "a session has one start of two"),
    ] {
      let count = try connection.number("SELECT count(*) FROM \(table) WHERE \(condition)") ?? 0
      expect(count == 0, "times") { "\(what): \(count) times" }
    }
  }

  // MARK: Users

  /// Sets of hours are those of their rows, sets of days the unions of their hours', and all of
  /// their users are known.
  private mutating func checkSets() throws(StoreError) {
    let hours = try connection.prepare("SELECT hour, scope, sets, final FROM user_hour")
    let isOpen = try connection.prepare(
      "SELECT 1 FROM user_hour_open WHERE hour = ? AND scope = ?")
    while try hours.step() {
      let (hour, scope) = (Int(hours.integer(0)), hours.integer(1))
      let packed = hours.blob(2)
      let sets = readable(packed, "an hour's users of scope \(scope) at \(name(hour))")
      guard hours.integer(3) == 0 else { continue }
      isOpen.bind(1, hour)
      isOpen.bind(2, scope)
      let open = try isOpen.step()
      isOpen.reset()
      expect(!open, "sets of users") { [name] in
        "scope \(scope) has a set at \(name(hour)), which is open"
      }
      let built = try builtSets(hour, scope)
      expect(built == sets, "sets of users") { [name] in
        "the set of scope \(scope) at \(name(hour)) is not that of its minutes"
      }
    }
    try checkRowsWithoutSets()
    try checkDaysWithoutSets()
    try checkDaySets()
    try checkUnions()
  }

  /// The sets of an hour from its minutes.
  private func builtSets(_ hour: Int, _ scope: Int64) throws(StoreError) -> UserSets {
    let rows = try connection.prepare(
      "SELECT minute, changes FROM user_minute WHERE hour = ? AND scope = ?")
    rows.bind(1, hour)
    rows.bind(2, scope)
    var sets = UserSets()
    var minutes = UserMinutes()
    func insert(minute: Int, parts: [UserChanges]) {
      UserChanges.forEachUser(parts) { sets.insert($0.user, kind: $0.kind) }
    }
    while try rows.step() { minutes.add(minute: rows.integer(0), packed: rows.blob(1), insert) }
    minutes.finish(insert)
    return sets
  }

  /// Minutes of closed hours have their set.
  private mutating func checkRowsWithoutSets() throws(StoreError) {
    let lost = try connection.prepare(
      """
      SELECT DISTINCT hour, scope FROM user_minute AS each
      WHERE NOT EXISTS (
          SELECT 1 FROM user_hour_open WHERE hour = each.hour AND scope = each.scope)
        AND NOT EXISTS (SELECT 1 FROM user_hour WHERE hour = each.hour AND scope = each.scope)
      """)
    while try lost.step() {
      let (hour, scope) = (Int(lost.integer(0)), lost.integer(1))
      // Changes may have cancelled each other.
      expect(try builtSets(hour, scope).isEmpty, "sets of users") { [name] in
        "users of scope \(scope) at \(name(hour)) are in no set, and the hour is not open"
      }
    }
  }

  /// Days with sets of hours have their own, or are open.
  private mutating func checkDaysWithoutSets() throws(StoreError) {
    let lost = try connection.prepare(
      """
      SELECT DISTINCT hour / 24, scope FROM user_hour AS each
      WHERE NOT EXISTS (SELECT 1 FROM user_day WHERE scope = each.scope AND day = each.hour / 24)
        AND NOT EXISTS (
          SELECT 1 FROM user_day_open WHERE day = each.hour / 24 AND scope = each.scope)
        AND hour / 24 > (SELECT coalesce(max(value), -1) FROM setting WHERE name = 'counts_dropped')
      """)
    while try lost.step() {
      let (day, scope) = (Int(lost.integer(0)), lost.integer(1))
      expect(false, "sets of users") { [name] in
        "scope \(scope) has no set on the day of \(name(day * 24)), which is not open"
      }
    }
  }

  private mutating func checkDaySets() throws(StoreError) {
    let days = try connection.prepare("SELECT day, scope, sets FROM user_day")
    let hours = try connection.prepare(
      "SELECT sets FROM user_hour WHERE scope = ? AND hour >= ? AND hour < ?")
    while try days.step() {
      let (day, scope) = (Int(days.integer(0)), days.integer(1))
      let packed = days.blob(2)
      let sets = readable(packed, "a day's users of scope \(scope) on the day of \(name(day * 24))")
      var union = UserSets()
      hours.bind(1, scope)
      hours.bind(2, day * 24)
      hours.bind(3, day * 24 + 24)
      while try hours.step() { hours.withBlob(0) { union.formUnion(packed: $0) } }
      expect(union == sets, "sets of users") { [name] in
        "the set of scope \(scope) on the day of \(name(day * 24)) is not that of its hours"
      }
    }
  }

  /// The sets of an environment's day are the unions of its scopes', which are all closed; where a
  /// scope has a day, its environment has one or will.
  private mutating func checkUnions() throws(StoreError) {
    let unions = try connection.prepare(
      "SELECT project, environment, day, sets FROM user_environment_day WHERE sets IS NOT NULL")
    let scopes = try connection.prepare(
      """
      SELECT sets FROM scope CROSS JOIN user_day ON user_day.scope = scope.id AND day = ?3
      WHERE project = ?1 AND environment = ?2
      """)
    while try unions.step() {
      let (project, environment) = (unions.integer(0), unions.integer(1))
      let day = Int(unions.integer(2))
      let place =
        "the users of environment \(environment) of project \(project) on the day of "
        + name(day * 24)
      let sets = readable(unions.blob(3), place)
      var union = UserSets()
      scopes.bind(1, project)
      scopes.bind(2, environment)
      scopes.bind(3, day)
      while try scopes.step() { scopes.withBlob(0) { union.formUnion(packed: $0) } }
      expect(union == sets, "sets of users") { "\(place): not those of its releases" }
    }
    let wrong = try connection.prepare(
      """
      SELECT 'is open', day, scope FROM user_day_open JOIN scope ON scope.id = scope
        JOIN user_environment_day USING (project, environment, day) WHERE sets IS NOT NULL
      UNION ALL
      SELECT 'has users', day, scope FROM user_day JOIN scope ON scope.id = scope
      WHERE NOT EXISTS (SELECT 1 FROM user_environment_day AS each WHERE each.day = user_day.day
        AND each.project = scope.project AND each.environment = scope.environment)
      """)
    while try wrong.step() {
      let (what, day, scope) = (wrong.text(0), Int(wrong.integer(1)), wrong.integer(2))
      expect(false, "sets of users") { [name] in
        "scope \(scope) \(what) on the day of \(name(day * 24)), which its environment's sets miss"
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
