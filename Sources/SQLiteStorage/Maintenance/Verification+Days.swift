internal import ReleaseHealth
internal import Storage

/// Checks the data with long retention: counts by day, and the order of times.
extension Verification {
  /// Checks that every hour has five counts, none negative, of a known release.
  mutating func checkDays() throws(StoreError) {
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
  mutating func checkTimes() throws(StoreError) {
    for (condition, table, what) in [
      ("latest < earliest", "session", "a session has its latest start before its earliest"),
      ("(latest IS NULL) != (earliest IS NULL)", "session", "a session has one start of two"),
    ] {
      let count = try connection.number("SELECT count(*) FROM \(table) WHERE \(condition)") ?? 0
      expect(count == 0, "times") { "\(what): \(count) times" }
    }
  }
}
