internal import ReleaseHealth
internal import Storage

/// Assigns ids to series and users. Runs on the writer's connection.
final class Interning {
  private let connection: Connection
  private let selectUser: Statement
  private let selectHash: Statement
  private let insertUser: Statement
  private let touchUser: Statement
  private let saveNextUser: Statement
  private let releases: Numbering
  private let environments: Numbering
  private let seriesTable: Numbering
  private var series: [SeriesKey: Int] = [:]
  /// The project of each series, by series id.
  private var projects: [Int: ProjectID] = [:]
  private var users: [UserHash: KnownUser] = [:]
  private var nextUser: UInt32
  private var isNextUserSaved = true

  private struct KnownUser {
    var id: UserID
    /// The last day on which the user was seen, as the database has it.
    var seen: Int
  }

  /// The maximum number of cached users; beyond it the cache is cleared.
  private static let usersMax = 100_000
  private static let seriesMax = 20_000

  init(_ connection: Connection) throws(StoreError) {
    self.connection = connection
    selectUser = try connection.prepare("SELECT id, seen FROM user WHERE hash = ?")
    selectHash = try connection.prepare("SELECT hash FROM user WHERE id = ?")
    insertUser = try connection.prepare("INSERT INTO user (hash, id, seen) VALUES (?, ?, ?)")
    touchUser = try connection.prepare("UPDATE user SET seen = ?2 WHERE hash = ?1")
    saveNextUser = try connection.prepare("UPDATE setting SET value = ? WHERE name = 'next_user'")
    let organization = "(SELECT organization FROM project WHERE id = ?1)"
    releases = try Numbering(
      connection, "release", "organization = \(organization) AND version = ?2",
      "(organization, version, created) VALUES (\(organization), ?2, ?3)")
    environments = try Numbering(connection, "environment", "name = ?1", "(name) VALUES (?1)")
    seriesTable = try Numbering(
      connection, "scope", "project = ?1 AND release = ?2 AND environment = ?3",
      "(project, release, environment, created) VALUES (?1, ?2, ?3, ?4)")
    nextUser = 0
    try forget()
  }

  /// Clears the caches, since a rollback may have undone what they hold.
  func forget() throws(StoreError) {
    forgetSeries()
    users.removeAll()
    let next = try connection.setting("next_user")
    nextUser = UInt32(truncatingIfNeeded: next ?? 1)
    isNextUserSaved = true
  }

  private func forgetSeries() {
    series.removeAll()
    projects.removeAll()
  }

  /// Clears the cache of users, after some were deleted.
  func forgetUsers() {
    users.removeAll()
  }

  /// Saves the next user id. Call it before each commit.
  func save() throws(StoreError) {
    guard !isNextUserSaved else { return }
    saveNextUser.bind(1, Int64(nextUser))
    try saveNextUser.run()
    isNextUserSaved = true
  }

  func user(_ hash: UserHash?, at now: Timestamp) throws(StoreError) -> UserID? {
    guard let hash else { return nil }
    if let user = users[hash], user.seen >= now.day { return user.id }
    var user = try known(hash, at: now)
    if user.seen < now.day {
      touchUser.bind(1, hash.value)
      touchUser.bind(2, now.day)
      try touchUser.run()
      user.seen = now.day
    }
    if users.count >= Self.usersMax { users.removeAll(keepingCapacity: true) }
    users[hash] = user
    return user.id
  }

  private func known(_ hash: UserHash, at now: Timestamp) throws(StoreError) -> KnownUser {
    if let remembered = users[hash] { return remembered }
    if let found = try find(hash) { return found }
    return try add(hash, at: now)
  }

  private func find(_ hash: UserHash) throws(StoreError) -> KnownUser? {
    selectUser.bind(1, hash.value)
    guard try selectUser.step() else { return nil }
    defer { selectUser.reset() }
    return KnownUser(
      id: UserID(rawValue: UInt32(truncatingIfNeeded: selectUser.integer(0))),
      seen: Int(selectUser.integer(1)))
  }

  /// The hashes of the users of a session and of one more.
  func hashes(
    of users: SessionUsers, adding user: UserID?
  ) throws(StoreError) -> [UserID: UserHash] {
    guard let user else { return [:] }
    var ids = [user]
    users.forEach { ids.append($0) }
    var hashes: [UserID: UserHash] = [:]
    for id in ids {
      selectHash.bind(1, Int64(id.rawValue))
      guard try selectHash.step() else { continue }
      let value = selectHash.blob(0).reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
      hashes[id] = UserHash(value: value)
      selectHash.reset()
    }
    return hashes
  }

  private func add(_ hash: UserHash, at now: Timestamp) throws(StoreError) -> KnownUser {
    if nextUser == .max {
      throw .unavailable(
        operation: "number a user", reason: "all \(UInt32.max) numbers of users are given")
    }
    let user = KnownUser(id: UserID(rawValue: nextUser), seen: now.day)
    nextUser += 1
    isNextUserSaved = false
    insertUser.bind(1, hash.value)
    insertUser.bind(2, Int64(user.id.rawValue))
    insertUser.bind(3, user.seen)
    try insertUser.run()
    return user
  }

  /// The id of a series; nil for a new one.
  func knownNumber(of series: SeriesKey) throws(StoreError) -> Int? {
    if let known = self.series[series] { return known }
    let found = try connection.number(
      """
      SELECT scope.id FROM project, release, environment, scope
      WHERE project.id = ?1 AND release.organization = project.organization
        AND release.version = ?2 AND environment.name = ?3 AND scope.project = ?1
        AND scope.release = release.id AND scope.environment = environment.id
      """, [series.project, series.release, series.environment ?? ""])
    guard let found else { return nil }
    remember(series, Int(found))
    return Int(found)
  }

  private func remember(_ series: SeriesKey, _ number: Int) {
    if self.series.count >= Self.seriesMax { forgetSeries() }
    self.series[series] = number
    projects[number] = series.project
  }

  /// The id of a series; a new series gets one.
  func number(of series: SeriesKey, at now: Timestamp) throws(StoreError) -> Int {
    if let known = self.series[series] { return known }
    let release = try releases.number {
      $0.bind(1, series.project.rawValue)
      $0.bind(2, series.release)
      $0.bind(3, now.milliseconds)
    }
    let environment = try environments.number { $0.bind(1, series.environment ?? "") }
    let number = Int(
      try seriesTable.number {
        $0.bind(1, series.project.rawValue)
        $0.bind(2, release)
        $0.bind(3, environment)
        $0.bind(4, now.milliseconds)
      })
    remember(series, number)
    return number
  }

  /// The project of a series that has an id.
  func project(of series: Int) throws(StoreError) -> ProjectID {
    if let known = projects[series] { return known }
    let select = try connection.prepare("SELECT project FROM scope WHERE id = ?")
    select.bind(1, series)
    guard try select.step() else {
      throw .corrupt(operation: "find the project of a series", reason: "series \(series) missing")
    }
    let project = ProjectID(rawValue: select.integer(0))
    projects[series] = project
    return project
  }
}

/// A table whose rows get their ids when they are first needed.
private struct Numbering {
  private let connection: Connection
  private let select: Statement
  private let insert: Statement

  /// - Parameters:
  ///   - condition: finds the row.
  ///   - values: the columns and values of a new row, with the same parameters.
  init(
    _ connection: Connection, _ table: String, _ condition: String, _ values: String
  ) throws(StoreError) {
    self.connection = connection
    select = try connection.prepare("SELECT id FROM \(table) WHERE \(condition)")
    insert = try connection.prepare("INSERT INTO \(table) \(values)")
  }

  /// The id of a row, which is made if there is none.
  func number(_ bind: (Statement) -> Void) throws(StoreError) -> Int64 {
    bind(select)
    if try select.step() {
      defer { select.reset() }
      return select.integer(0)
    }
    bind(insert)
    try insert.run()
    return connection.lastInsertedRow
  }
}
