internal import ReleaseHealth
internal import Storage

/// Checks the arrival log against the counts.
extension Verification {
  /// The arrivals of an hour and series.
  private struct Arrived {
    var all = SessionCounts()
    /// The part from session aggregates.
    var aggregated = SessionCounts()
  }

  /// Checks that the arrivals of an hour add up to its counts, where the arrival log is complete.
  mutating func checkArrivals() throws(StoreError) {
    let dropped = try connection.setting("arrivals_dropped")
    // An update may arrive a minute before its session starts, or more if the clock was behind.
    let firstHour = max(dropped.map { Int($0 / 6) + 25 } ?? Int.min, firstCountedHour)
    // Older versions logged no separate numbers for session aggregates.
    let unsplit = try connection.setting("arrivals_unsplit")
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
      let seriesID = days.integer(1)
      let aggregated = CountGrid(packed: days.blob(3))
      var found = CountGrid(packed: days.blob(2))
      found.add(aggregated)
      for (slot, counts) in found.slots where day * 24 + slot >= firstHour {
        let hour = day * 24 + slot
        let logged =
          arrived.removeValue(forKey: BucketKey(bucket: hour, seriesID: seriesID)) ?? Arrived()
        if Self.isSaturated(counts) { continue }
        expect(counts == logged.all, "arrivals") { [name] in
          "sessions of series \(seriesID) at \(name(hour)): \(counts), but arrived are \(logged.all)"
        }
        if hour < firstSplitHour { continue }
        let part = aggregated[slot] ?? SessionCounts()
        expect(part == logged.aggregated, "arrivals") { [name] in
          "aggregates of series \(seriesID) at \(name(hour)): \(part), but arrived are "
            + "\(logged.aggregated)"
        }
      }
    }
    expectNothingElse(arrived)
    expectNothingElse(try Self.arrivals(before: .max, log, &hasMore))
    try checkInitials(from: firstHour)
  }

  /// Checks the number of sessions without an initial update, in hours with all their states.
  private mutating func checkInitials(from firstHour: Int) throws(StoreError) {
    let first = max(firstHour, firstWholeHour)
    func counts(_ sql: String) throws(StoreError) -> [BucketKey: Int64] {
      var counts: [BucketKey: Int64] = [:]
      try connection.forEachRow(sql, [first]) { row in
        counts[BucketKey(bucket: Int(row.integer(0)), seriesID: row.integer(1))] = row.integer(2)
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
        "sessions without init of series \(key.seriesID) at \(name(key.bucket)): \(found), but the "
          + "states say \(wanted)"
      }
    }
  }

  /// The arrivals for hours before `end`; the statement continues from its current row.
  private static func arrivals(
    before end: Int, _ log: Statement, _ hasMore: inout Bool
  ) throws(StoreError) -> [BucketKey: Arrived] {
    var arrived: [BucketKey: Arrived] = [:]
    while hasMore, log.integer(0) < end {
      arrived[BucketKey(bucket: Int(log.integer(0)), seriesID: log.integer(1))] = Arrived(
        all: log.counts(from: 2), aggregated: log.counts(from: 7))
      hasMore = try log.step()
    }
    return arrived
  }

  private mutating func expectNothingElse(_ arrived: [BucketKey: Arrived]) {
    for (key, counts) in arrived {
      expect(counts.all.isZero, "arrivals") { [name] in
        "sessions of series \(key.seriesID) at \(name(key.bucket)): none, but arrived are "
          + "\(counts.all)"
      }
    }
  }
}
