internal import ReleaseHealth
internal import Storage

/// Writes the users of buckets: the rows of open hours, and the sets that stand for closed hours
/// and days.
final class UserTables {
  private let connection: Connection
  private let addRow: Statement
  private let removeRow: Statement
  private let decreaseRow: Statement
  private let openHour: Statement
  private let openDay: Statement
  private let dropHour: Statement
  private let dropDay: Statement
  private let selectRows: Statement
  private let selectHour: Statement
  private let saveHour: Statement
  private let closeHour: Statement
  private let selectHours: Statement
  private let saveDay: Statement
  private let closeDay: Statement
  /// Hours that are known to be marked open.
  private var openHours: Set<BucketKey> = []
  private var closing: Closing?

  /// An hour whose sets are being built from its rows, a part at a time.
  private struct Closing {
    var key: BucketKey
    var sets = UserSets()
    /// The last row that was read.
    var minute: Int64 = -1
    var kind: Int64 = 0
    var user: Int64 = 0
  }

  private static let openHoursMax = 100_000

  init(_ connection: Connection) throws(StoreError) {
    self.connection = connection
    addRow = try connection.prepare(
      """
      INSERT INTO user_minute (hour, scope, minute, kind, user, sessions) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET sessions = min(sessions + excluded.sessions, 1 << 60)
      """)
    let row = "hour = ?1 AND scope = ?2 AND minute = ?3 AND kind = ?4 AND user = ?5"
    removeRow = try connection.prepare("DELETE FROM user_minute WHERE \(row) AND sessions <= ?6")
    decreaseRow = try connection.prepare(
      "UPDATE user_minute SET sessions = sessions - ?6 WHERE \(row)")
    openHour = try connection.prepare(
      "INSERT OR IGNORE INTO user_hour_open (hour, scope) VALUES (?, ?)")
    openDay = try connection.prepare(
      "INSERT OR IGNORE INTO user_day_open (day, scope) VALUES (?, ?)")
    dropHour = try connection.prepare(
      "DELETE FROM user_hour WHERE hour = ? AND scope = ? AND final = 0")
    dropDay = try connection.prepare("DELETE FROM user_day WHERE day = ? AND scope = ?")
    selectRows = try connection.prepare(
      """
      SELECT minute, kind, user FROM user_minute
      WHERE hour = ? AND scope = ? AND (minute, kind, user) > (?, ?, ?) LIMIT ?
      """)
    selectHour = try connection.prepare("SELECT sets FROM user_hour WHERE hour = ? AND scope = ?")
    saveHour = try connection.prepare(
      """
      INSERT INTO user_hour (hour, scope, sets) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET sets = excluded.sets
      """)
    closeHour = try connection.prepare("DELETE FROM user_hour_open WHERE hour = ? AND scope = ?")
    selectHours = try connection.prepare(
      "SELECT sets FROM user_hour WHERE scope = ? AND hour >= ? AND hour < ?")
    saveDay = try connection.prepare(
      "INSERT OR REPLACE INTO user_day (day, scope, sets) VALUES (?, ?, ?)")
    closeDay = try connection.prepare("DELETE FROM user_day_open WHERE day = ? AND scope = ?")
  }

  /// Forgets what a transaction that was rolled back may have taught.
  func forget() {
    openHours.removeAll()
    closing = nil
  }

  func add(_ changes: [HourDelta.UserKey: Int64], _ key: BucketKey) throws(StoreError) {
    let changes = changes.filter { $0.value != 0 }
    if changes.isEmpty { return }
    if closing?.key == key { closing = nil }
    try open(key)
    let ordered = changes.sorted {
      ($0.key.minute, $0.key.kind.rawValue, $0.key.user)
        < ($1.key.minute, $1.key.kind.rawValue, $1.key.user)
    }
    for (user, change) in ordered {
      if change > 0 {
        try run(addRow, key, user, change)
      } else {
        try run(removeRow, key, user, -change)
        if connection.changes == 0 { try run(decreaseRow, key, user, -change) }
      }
    }
  }

  private func run(
    _ statement: Statement, _ key: BucketKey, _ user: HourDelta.UserKey, _ sessions: Int64
  ) throws(StoreError) {
    bind(key, to: statement)
    statement.bind(3, user.minute)
    statement.bind(4, user.kind.rawValue)
    statement.bind(5, Int64(user.user))
    statement.bind(6, sessions)
    try statement.run()
  }

  /// From now on the hour's users are read from its rows, and its day's from its hours. A set that
  /// is final stays: some of the rows that it was built from are gone.
  private func open(_ key: BucketKey) throws(StoreError) {
    if openHours.contains(key) { return }
    if openHours.count >= Self.openHoursMax { openHours.removeAll() }
    let day = BucketKey(bucket: key.bucket.flooredDivision(by: 24), scope: key.scope)
    for statement in [openHour, dropHour] {
      bind(key, to: statement)
      try statement.run()
    }
    for statement in [openDay, dropDay] {
      bind(day, to: statement)
      try statement.run()
    }
    openHours.insert(key)
  }

  /// Builds the sets of an hour from its rows, as many as may be read at once; further calls go on
  /// where one stopped.
  ///
  /// - Returns: how many rows were read; fewer than `rowsMax` when the hour is closed.
  func close(_ key: BucketKey, rowsMax: Int) throws(StoreError) -> Int {
    var part = closing?.key == key ? closing ?? Closing(key: key) : Closing(key: key)
    closing = nil
    bind(key, to: selectRows)
    selectRows.bind(3, part.minute)
    selectRows.bind(4, part.kind)
    selectRows.bind(5, part.user)
    selectRows.bind(6, rowsMax)
    var rows = 0
    while try selectRows.step() {
      rows += 1
      part.minute = selectRows.integer(0)
      part.kind = selectRows.integer(1)
      part.user = selectRows.integer(2)
      part.sets.insert(UInt32(truncatingIfNeeded: part.user), kind: Int(part.kind))
    }
    if rows == rowsMax {
      closing = part
    } else {
      try close(key, part.sets)
    }
    return rows
  }

  private func close(_ key: BucketKey, _ built: UserSets) throws(StoreError) {
    var sets = built
    // Only a final one is still there.
    bind(key, to: selectHour)
    while try selectHour.step() { sets.formUnion(packed: selectHour.blob(0)) }
    if !sets.isEmpty {
      bind(key, to: saveHour)
      saveHour.bind(3, blob: sets.packed)
      try saveHour.run()
    }
    bind(key, to: closeHour)
    try closeHour.run()
    openHours.remove(key)
  }

  /// Builds the sets of a day from those of its hours, which are all closed.
  ///
  /// - Returns: how many bytes were read and written.
  func close(day: Int, scope: Int64) throws(StoreError) -> Int {
    var bytes = 0
    var sets = UserSets()
    selectHours.bind(1, scope)
    selectHours.bind(2, day * 24)
    selectHours.bind(3, day * 24 + 24)
    while try selectHours.step() {
      let packed = selectHours.blob(0)
      bytes += packed.count
      sets.formUnion(packed: packed)
    }
    let key = BucketKey(bucket: day, scope: scope)
    if !sets.isEmpty {
      let packed = sets.packed
      bytes += packed.count
      bind(key, to: saveDay)
      saveDay.bind(3, blob: packed)
      try saveDay.run()
    }
    bind(key, to: closeDay)
    try closeDay.run()
    return bytes
  }

  private func bind(_ key: BucketKey, to statement: Statement) {
    statement.bind(1, key.bucket)
    statement.bind(2, key.scope)
  }
}
