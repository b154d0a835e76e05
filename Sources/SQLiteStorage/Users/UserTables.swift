internal import ReleaseHealth
internal import Storage

/// Writes the users of buckets: the parts of open hours, and the sets of closed hours and days.
final class UserTables {
  private let connection: Connection
  private let selectLastPart: Statement
  private let savePart: Statement
  private let dropPart: Statement
  private let openHour: Statement
  private let openDay: Statement
  private let dropHour: Statement
  private let dropDay: Statement
  private let selectParts: Statement
  private let selectHour: Statement
  private let saveHour: Statement
  private let closeHour: Statement
  private let selectHours: Statement
  private let saveDay: Statement
  private let closeDay: Statement
  /// A cache of hours that are marked open.
  private var openHours: Set<BucketKey> = []
  /// A cache of the minutes' last parts, which grow; nothing else writes them.
  private var lastParts: [MinuteKey: LastPart] = [:]
  private var closing: Closing?

  private struct MinuteKey: Hashable {
    var hour: BucketKey
    var minute: Int
  }

  private struct LastPart {
    var number: Int64 = 0
    var changes = UserChanges()
  }

  /// An hour whose sets are being built from its minutes, in several steps.
  private struct Closing {
    var key: BucketKey
    var sets = UserSets()
    /// The last minute that was read.
    var minute = -1
  }

  /// The number of changes, 1 to 2 KiB, at which a part stops growing.
  private static let partChangesMax = 512
  /// The maximum number of cached parts, some megabytes in all; beyond it the cache is cleared.
  private static let lastPartsMax = 500
  private static let openHoursMax = 100_000

  init(_ connection: Connection) throws(StoreError) {
    self.connection = connection
    let row = "hour = ?1 AND scope = ?2 AND minute = ?3"
    selectLastPart = try connection.prepare(
      "SELECT part, changes FROM user_minute WHERE \(row) ORDER BY part DESC LIMIT 1")
    savePart = try connection.prepare(
      """
      INSERT INTO user_minute (hour, scope, minute, part, changes) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET changes = excluded.changes
      """)
    dropPart = try connection.prepare("DELETE FROM user_minute WHERE \(row) AND part = ?4")
    openHour = try connection.prepare(
      "INSERT OR IGNORE INTO user_hour_open (hour, scope) VALUES (?, ?)")
    openDay = try connection.prepare(
      "INSERT OR IGNORE INTO user_day_open (day, scope) VALUES (?, ?)")
    dropHour = try connection.prepare(
      "DELETE FROM user_hour WHERE hour = ? AND scope = ? AND final = 0")
    dropDay = try connection.prepare("DELETE FROM user_day WHERE day = ? AND scope = ?")
    selectParts = try connection.prepare(
      "SELECT minute, changes FROM user_minute WHERE hour = ? AND scope = ? AND minute > ?")
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

  /// Clears the caches, since a rollback may have undone what they hold.
  func forget() {
    openHours.removeAll()
    lastParts.removeAll()
    closing = nil
  }

  /// - Parameter changes: in any order; changes of the same user add up.
  func add(
    _ changes: [(key: HourDelta.UserKey, sessions: Int64)], _ key: BucketKey
  ) throws(StoreError) {
    let ordered = changes.map {
      let user = UserChanges.Key(kind: $0.key.kind, user: $0.key.user)
      return (minute: $0.key.minute, change: (key: user, sessions: $0.sessions))
    }.sorted { ($0.minute, $0.change.key) < ($1.minute, $1.change.key) }
    var rest = ordered[...]
    while let minute = rest.first?.minute {
      let end = rest.firstIndex { $0.minute != minute } ?? rest.endIndex
      let summed = UserChanges(adding: rest[..<end].lazy.map(\.change))
      rest = rest[end...]
      if summed.changes.isEmpty { continue }
      if closing?.key == key { closing = nil }
      try open(key)
      try add(summed, MinuteKey(hour: key, minute: minute))
    }
  }

  /// Adds changes to the last part of a minute, or begins another part.
  private func add(_ changes: UserChanges, _ key: MinuteKey) throws(StoreError) {
    var part = try lastPart(of: key)
    if part.changes.changes.isEmpty {
      part.changes = changes
    } else if part.changes.changes.count >= Self.partChangesMax {
      part = LastPart(number: part.number + 1, changes: changes)
    } else {
      part.changes = part.changes.merged(with: changes)
    }
    let statement = part.changes.changes.isEmpty ? dropPart : savePart
    bind(key.hour, to: statement)
    statement.bind(3, key.minute)
    statement.bind(4, part.number)
    if statement === savePart { statement.bind(5, blob: part.changes.packed) }
    try statement.run()
    if lastParts.count >= Self.lastPartsMax { lastParts.removeAll(keepingCapacity: true) }
    lastParts[key] = part
  }

  private func lastPart(of key: MinuteKey) throws(StoreError) -> LastPart {
    if let part = lastParts[key] { return part }
    bind(key.hour, to: selectLastPart)
    selectLastPart.bind(3, key.minute)
    guard try selectLastPart.step() else { return LastPart() }
    defer { selectLastPart.reset() }
    return LastPart(
      number: selectLastPart.integer(0), changes: UserChanges(packed: selectLastPart.blob(1)))
  }

  /// Marks the hour and its day open: users of the hour are then read from its minutes, those of
  /// the day from its hours. A final set is kept, since some of the parts that it was built from
  /// are gone.
  private func open(_ key: BucketKey) throws(StoreError) {
    if openHours.contains(key) { return }
    if openHours.count >= Self.openHoursMax { openHours.removeAll() }
    let day = BucketKey(bucket: key.bucket.flooredDivision(by: 24), seriesID: key.seriesID)
    for statement in [openHour, dropHour] { try run(statement, key) }
    for statement in [openDay, dropDay] { try run(statement, day) }
    openHours.insert(key)
  }

  /// Whether an hour is closed in part. An update of the hour cancels that.
  func isClosing(_ key: BucketKey) -> Bool { closing?.key == key }

  /// Builds the sets of an hour from its minutes, until `changesMax` changes are read. The next
  /// call continues from there.
  ///
  /// - Returns: the number of changes that were read; below `changesMax` when the hour is closed.
  func close(_ key: BucketKey, changesMax: Int) throws(StoreError) -> Int {
    var building = closing?.key == key ? closing ?? Closing(key: key) : Closing(key: key)
    closing = nil
    bind(key, to: selectParts)
    selectParts.bind(3, building.minute)
    var minutes = UserMinutes()
    var count = 0
    func insert(minute: Int, parts: [UserChanges]) {
      building.minute = minute
      count += parts.reduce(0) { $0 + $1.changes.count }
      UserChanges.forEachUser(parts) { building.sets.insert($0.user, kind: $0.kind) }
    }
    while count < changesMax, try selectParts.step() {
      minutes.add(minute: selectParts.integer(0), packed: selectParts.blob(1), insert)
    }
    if count >= changesMax {
      // The next call reads the unfinished minute again.
      selectParts.reset()
      closing = building
    } else {
      minutes.finish(insert)
      try close(key, building.sets)
    }
    return min(count, changesMax)
  }

  private func close(_ key: BucketKey, _ built: UserSets) throws(StoreError) {
    var sets = built
    // Only a final set still exists.
    bind(key, to: selectHour)
    sets.formUnion(try selectHour.unitedSets().sets)
    if !sets.isEmpty { try saveHour.run([key.bucket, key.seriesID, sets.packed]) }
    try run(closeHour, key)
    openHours.remove(key)
  }

  /// Builds the sets of a day from those of its hours, which are all closed.
  ///
  /// - Returns: the number of bytes that were read and written.
  func close(day: Int, seriesID: Int64) throws(StoreError) -> Int {
    selectHours.bind([seriesID, day * 24, day * 24 + 24])
    var (sets, bytes) = try selectHours.unitedSets()
    if !sets.isEmpty {
      let packed = sets.packed
      bytes += packed.count
      try saveDay.run([day, seriesID, packed])
    }
    try closeDay.run([day, seriesID])
    return bytes
  }

  /// Builds the union of a day's sets of all releases in an environment, which are all closed.
  ///
  /// - Returns: the number of bytes that were read and written.
  func unite(day: Int, project: Int64, environment: Int64) throws(StoreError) -> Int {
    let key: [(any Bindable)?] = [project, environment, day]
    let select = try connection.prepare(Self.daysOfEnvironment)
    select.bind(key)
    let (sets, bytes) = try select.unitedSets()
    let row = "project = ?1 AND environment = ?2 AND day = ?3"
    // The days of all its series may have been dropped.
    if sets.isEmpty {
      try connection.run("DELETE FROM user_environment_day WHERE \(row)", key)
      return bytes
    }
    let packed = sets.packed
    try connection.run("UPDATE user_environment_day SET sets = ?4 WHERE \(row)", key + [packed])
    return bytes + packed.count
  }

  /// The sets of the series of a project, environment and day.
  static let daysOfEnvironment = """
    SELECT sets FROM scope CROSS JOIN user_day ON user_day.scope = scope.id AND day = ?3
    WHERE project = ?1 AND environment = ?2
    """

  private func bind(_ key: BucketKey, to statement: Statement) {
    statement.bind(1, key.bucket)
    statement.bind(2, key.seriesID)
  }

  private func run(_ statement: Statement, _ key: BucketKey) throws(StoreError) {
    bind(key, to: statement)
    try statement.run()
  }
}

extension Statement {
  /// The union of the packed sets in all rows, and the number of bytes that they have.
  func unitedSets() throws(StoreError) -> (sets: UserSets, bytes: Int) {
    var sets = UserSets()
    var bytes = 0
    while try step() {
      withBlob(0) { packed in
        bytes += packed.count
        sets.formUnion(packed: packed)
      }
    }
    return (sets, bytes)
  }
}
