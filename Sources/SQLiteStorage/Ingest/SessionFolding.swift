internal import ReleaseHealth
internal import Storage

/// Folds reports into the states of their sessions. Runs on the writer's connection.
final class SessionFolding {
  private let connection: Connection
  private let interning: Interning
  private let changes: CountChanges
  private let insert: Statement
  private let select: Statement
  private let update: Statement

  init(_ connection: Connection, interning: Interning, changes: CountChanges) throws(StoreError) {
    self.connection = connection
    self.interning = interning
    self.changes = changes
    insert = try connection.prepare(
      """
      INSERT INTO session (started, sid, scope, flags, duration, users, earliest, latest)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
      """)
    select = try connection.prepare(
      """
      SELECT flags, duration, users, earliest, latest FROM session
      WHERE started = ? AND sid = ? AND scope = ?
      """)
    update = try connection.prepare(
      """
      UPDATE session SET flags = ?4, duration = ?5, users = ?6, earliest = ?7, latest = ?8
      WHERE started = ?1 AND sid = ?2 AND scope = ?3
      """)
  }

  /// Folds one report into its session.
  func fold(_ report: SessionReport) throws(StoreError) {
    let user = try interning.user(report.user, at: report.receivedAt)
    // The most likely case is tried first: a new session, or a known one.
    if report.isInitial, try insert(report, user) { return }
    guard let known = try known(report) else {
      if try insert(report, user) { return }
      throw .corrupt(operation: "read a session", reason: "session row missing after insert")
    }
    let hashes = known.users.isFull ? try interning.hashes(of: known.users, adding: user) : [:]
    let transition = SessionReducer.reduce(known, report, user: user, hashes: hashes)
    if transition.hasTooManyUsers { try remark(.userOmitted, report) }
    guard transition.isChanged else {
      if !transition.hasTooManyUsers { try noteRepetition(report, of: known) }
      return
    }
    bindKey(report, to: update)
    SessionRow.bind(transition.session, started: report.started, to: update, from: 4)
    try update.run()
    changes.add(transition, of: report)
  }

  /// - Returns: false when the session exists already.
  private func insert(_ report: SessionReport, _ user: UserID?) throws(StoreError) -> Bool {
    let session = Session(report, user: user)
    bindKey(report, to: insert)
    SessionRow.bind(session, started: report.started, to: insert, from: 4)
    try insert.run()
    guard connection.changes == 1 else { return false }
    changes.add(session.contribution, sign: 1, of: report)
    return true
  }

  private func known(_ report: SessionReport) throws(StoreError) -> Session? {
    bindKey(report, to: select)
    guard try select.step() else { return nil }
    defer { select.reset() }
    return try SessionRow.read(select, from: 0, started: report.started)
  }

  /// Whether the session of a report has a state.
  func hasState(of report: SessionReport) throws(StoreError) -> Bool {
    bindKey(report, to: select)
    defer { select.reset() }
    return try select.step()
  }

  private func noteRepetition(_ report: SessionReport, of known: Session) throws(StoreError) {
    if report.isRecovered { return }
    try remark(.repeated, report)
    changes.addRepetition(of: report, hour: known.earliestStart.hour)
  }

  private func remark(_ outcome: Outcome, _ report: SessionReport) throws(StoreError) {
    if report.isRecovered { return }
    changes.remark(outcome, try interning.project(of: report.series), at: report.receivedAt)
  }

  private func bindKey(_ report: SessionReport, to statement: Statement) {
    statement.bind(1, report.started.milliseconds)
    statement.bind(2, report.sessionID.value)
    statement.bind(3, report.series)
  }
}
