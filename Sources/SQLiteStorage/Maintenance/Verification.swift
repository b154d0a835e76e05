internal import ReleaseHealth
internal import Storage

/// Recomputes counts from the session states that still exist, and compares data that is stored
/// twice. Read-only, in one transaction.
struct Verification {
  let connection: Connection
  private var report = VerificationReport()

  /// The first start hour from which all session states exist, so that counts can be recomputed.
  let firstWholeHour: Int
  /// The first hour from which all minutes and rows of users exist.
  let firstMinutesHour: Int
  /// The first hour from which counts exist.
  let firstCountedHour: Int
  private let nextUser: Int64
  let knownUsers = UserBitmap()

  private static let findingsMax = 100

  static func run(
    _ connection: Connection, progress: DataFile.Progress
  ) throws(StoreError) -> VerificationReport {
    try connection.transaction("DEFERRED") { () throws(StoreError) in
      var verification = try Verification(connection)
      try verification.checkFile()
      // The counts of another schema version cannot be recomputed.
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
    let dropped = try connection.setting("states_dropped")
    // A state of the same age may have been dropped.
    firstWholeHour = dropped.map { Int($0.flooredDivision(by: 3_600_000)) + 1 } ?? Int.min
    let minutes = try connection.setting("minutes_dropped")
    firstMinutesHour = minutes.map { Int($0) + 1 } ?? Int.min
    let days = try connection.setting("counts_dropped")
    firstCountedHour = days.map { (Int($0) + 1) * 24 } ?? Int.min
    nextUser = try connection.setting("next_user") ?? 0
  }

  mutating func expect(_ isRight: Bool, _ check: String, _ detail: () -> String) {
    // Most are of the same check as those before.
    if let index = report.compared.lastIndex(where: { $0.check == check }) {
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

  func name(_ hour: Int) -> String { RFC3339.format(Timestamp(minute: hour * 60)) }

  // MARK: The file

  private mutating func checkFile() throws(StoreError) {
    try connection.forEachRow("PRAGMA integrity_check(20)") { row in
      let line = row.text(0)
      expect(line == "ok", "file") { line }
    }
    try connection.forEachRow("PRAGMA foreign_key_check") { row in
      let (table, parent) = (row.text(0), row.text(2))
      expect(false, "file") { "a row of \(table) names a row of \(parent) that is not there" }
    }
  }

  private mutating func readUsers() throws(StoreError) {
    var count: Int64 = 0
    try connection.forEachRow("SELECT id FROM user") { row in
      let id = row.integer(0)
      count += 1
      expect(id > 0 && id < nextUser, "users") { [nextUser] in
        "user \(id) has a number beyond \(nextUser)"
      }
      knownUsers.insert(UInt32(truncatingIfNeeded: id))
    }
    let distinct = knownUsers.count
    expect(distinct == count, "users") { "\(count) users have \(distinct) numbers" }
  }

  // MARK: Days and times

  /// Checks that every hour has five counts, none negative, of a known release.
  private mutating func checkDays() throws(StoreError) {
    try connection.forEachRow(
      "SELECT DISTINCT scope FROM session_day WHERE scope NOT IN (SELECT id FROM scope)"
    ) { row in
      let seriesID = row.integer(0)
      expect(false, "days") { "series \(seriesID) has counts, and nothing says of what" }
    }
    try connection.forEachRow("SELECT day, scope, identified, anonymous FROM session_day") { row in
      let (day, seriesID) = (Int(row.integer(0)), row.integer(1))
      for column: Int32 in [2, 3] {
        let packed = row.blob(column)
        let grid = CountGrid(packed: packed)
        let isRight =
          grid.packed == packed
          && grid.slots.allSatisfy { (0..<24).contains($0.key) && !$0.value.hasNegative }
        expect(isRight, "days") { [name] in
          "the counts of series \(seriesID) on the day of \(name(day * 24)) cannot be read"
        }
      }
    }
  }

  /// Checks the order of times. Adoption is not checked: a clock that was ahead may have left a
  /// release that was replaced before it was adopted.
  private mutating func checkTimes() throws(StoreError) {
    for (condition, table, what) in [
      ("latest < earliest", "session", "a session has its latest start before its earliest"),
      ("(latest IS NULL) != (earliest IS NULL)", "session", "a session has one start of two"),
    ] {
      let count = try connection.number("SELECT count(*) FROM \(table) WHERE \(condition)") ?? 0
      expect(count == 0, "times") { "\(what): \(count) times" }
    }
  }
}
