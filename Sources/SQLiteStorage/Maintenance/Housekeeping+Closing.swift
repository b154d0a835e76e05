internal import ReleaseHealth
internal import Storage

/// Closes hours, days and days of environments: builds the sets of their users.
extension Housekeeping {
  /// Closes hours that ended an hour ago or longer: sets replace their minutes.
  func closeHours(at now: Timestamp) throws(StoreError) -> Bool {
    // An update cancelled the closing of a large hour.
    if let hour = run.closing, !users.isClosing(hour) { run.closed = hour }
    let open = try keys(
      """
      SELECT hour, scope FROM user_hour_open
      WHERE (hour, scope) > (\(run.closed.bucket), \(run.closed.seriesID)) AND hour < \(now.hour - 1)
      ORDER BY hour, scope LIMIT \(Self.cellsPerStep)
      """)
    if open.isEmpty { return false }
    do throws(StoreError) {
      var (closed, closing) = (run.closed, run.closing)
      try connection.transaction { () throws(StoreError) in
        var changesLeft = Self.changesReadPerStep
        for key in open where changesLeft > 0 {
          changesLeft -= try users.close(key, changesMax: changesLeft)
          closing = users.isClosing(key) ? key : nil
          if closing == nil { closed = key }
        }
      }
      (run.closed, run.closing) = (closed, closing)
    } catch {
      users.forget()
      throw error
    }
    return true
  }

  /// Closes days whose hours are all closed. If a late update opened an hour again during this run,
  /// its day waits for the next run.
  func closeDays(at now: Timestamp) throws(StoreError) -> Bool {
    let end = (now.hour - 1).flooredDivision(by: 24)
    let open = try keys(
      """
      SELECT day, scope FROM user_day_open WHERE day < \(end) AND (day, scope) NOT IN (
        SELECT hour / 24, scope FROM user_hour_open WHERE hour < \(end * 24))
      ORDER BY day, scope LIMIT \(Self.cellsPerStep)
      """)
    if open.isEmpty { return false }
    try connection.transaction { () throws(StoreError) in
      var bytesLeft = Self.setBytesPerStep
      for key in open where bytesLeft > 0 {
        bytesLeft -= try users.close(day: key.bucket, seriesID: key.seriesID)
      }
    }
    return true
  }

  /// Closes days of environments whose series are all closed.
  func uniteDays(at now: Timestamp) throws(StoreError) -> Bool {
    let days = try connection.rows(
      """
      SELECT day, project, environment FROM user_environment_day AS each
      WHERE sets IS NULL AND day < \((now.hour - 1).flooredDivision(by: 24)) AND NOT EXISTS (
        SELECT 1 FROM user_day_open CROSS JOIN scope ON scope.id = user_day_open.scope
        WHERE day = each.day AND project = each.project AND environment = each.environment)
      ORDER BY day LIMIT \(Self.cellsPerStep)
      """
    ) { (day: Int($0.integer(0)), project: $0.integer(1), environment: $0.integer(2)) }
    if days.isEmpty { return false }
    try connection.transaction { () throws(StoreError) in
      var bytesLeft = Self.setBytesPerStep
      for each in days where bytesLeft > 0 {
        bytesLeft -= try users.unite(
          day: each.day, project: each.project, environment: each.environment)
      }
    }
    return true
  }
}
