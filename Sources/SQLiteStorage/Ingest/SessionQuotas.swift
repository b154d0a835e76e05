internal import ReleaseHealth
internal import Storage

/// Decides which new sessions of projects and keys with quotas are counted. Runs on the writer's
/// connection.
///
/// It decides when a batch is committed, in the order of arrival: folding has another order, and is
/// repeated after a crash. What is refused is neither stored nor given a series or a user.
final class SessionQuotas {
  private let connection: Connection
  private let interning: Interning
  private let sessions: SessionFolding
  private let pending: PendingTable
  private let select: Statement
  private let upsert: Statement
  private var uses: [Subject: SessionUse] = [:]
  private var changed: Set<Subject> = []

  /// A project or one of its keys.
  private struct Subject: Hashable {
    var project: ProjectID
    /// Empty for the project.
    var publicKey = ""
  }

  init(
    _ connection: Connection, interning: Interning, sessions: SessionFolding, pending: PendingTable
  ) throws(StoreError) {
    self.connection = connection
    self.interning = interning
    self.sessions = sessions
    self.pending = pending
    select = try connection.prepare(
      """
      SELECT minute, minute_sessions, day, day_sessions FROM session_use
      WHERE project = ? AND public_key = ?
      """)
    upsert = try connection.prepare(
      """
      INSERT OR REPLACE INTO session_use
        (project, public_key, minute, minute_sessions, day, day_sessions)
      VALUES (?, ?, ?, ?, ?, ?)
      """)
  }

  /// Clears the cache, since a rollback may have undone what it holds.
  func forget() {
    uses.removeAll()
    changed.removeAll()
  }

  /// Writes the changed numbers of sessions. Call it before each commit.
  func save() throws(StoreError) {
    for subject in changed {
      guard let use = uses[subject] else { continue }
      try upsert.run([
        subject.project, subject.publicKey, use.minute.number, use.minute.used, use.day.number,
        use.day.used,
      ])
    }
    changed.removeAll()
  }

  /// A batch without the new sessions for which a quota has no room.
  func admitted(_ batch: IngestBatch) throws(StoreError) -> IngestBatch {
    var known = try KnownSessions(batch, interning)
    for project in known.projects { try pending.track(project, interning) }
    var refused = (reports: Set<Int>(), aggregated: Set<Int>())
    var next = 0
    for part in batch.limited {
      for index in next..<part.reports.lowerBound { known.insert(batch.reports[index]) }
      next = part.reports.upperBound
      for index in part.reports {
        let report = batch.reports[index]
        if try isKnown(report, among: known) { continue }
        if try takes(1, of: part.quotas, at: batch.receivedAt) {
          known.insert(report)
        } else {
          refused.reports.insert(index)
        }
      }
      for index in part.aggregated {
        let count = batch.aggregated[index].counts.total
        if try !takes(count, of: part.quotas, at: batch.receivedAt) {
          refused.aggregated.insert(index)
        }
      }
    }
    if refused.reports.isEmpty, refused.aggregated.isEmpty { return batch }
    return batch.refusing(reports: refused.reports, aggregated: refused.aggregated)
  }

  /// The sessions of a batch that are admitted so far.
  private struct KnownSessions {
    /// The projects with quotas.
    var projects: Set<ProjectID>
    /// The numbers of the series of these projects, by their place in the batch; nil for new ones.
    private var numbers: [Int?]
    private var isLimited: [Bool]
    private var admitted: Set<StoredSession> = []

    init(_ batch: IngestBatch, _ interning: Interning) throws(StoreError) {
      projects = Set(batch.limited.map(\.quotas.project))
      numbers = []
      isLimited = []
      for series in batch.series {
        let isLimited = projects.contains(series.project)
        self.isLimited.append(isLimited)
        numbers.append(isLimited ? try interning.knownNumber(of: series) : nil)
      }
    }

    /// Adds the session of a report that is stored; of a project without quotas it does nothing.
    mutating func insert(_ report: SessionReport) {
      if isLimited[report.series] { admitted.insert(StoredSession(report)) }
    }

    func contains(_ report: SessionReport) -> Bool { admitted.contains(StoredSession(report)) }

    /// The report with the number of its series; nil where that is new, and so is the session.
    func numbered(_ report: SessionReport) -> SessionReport? {
      guard let number = numbers[report.series] else { return nil }
      var report = report
      report.series = number
      return report
    }
  }

  private func isKnown(
    _ report: SessionReport, among known: KnownSessions
  ) throws(StoreError) -> Bool {
    if known.contains(report) { return true }
    guard let report = known.numbered(report) else { return false }
    if pending.contains(StoredSession(report)) { return true }
    return try sessions.hasState(of: report)
  }

  /// Counts new sessions where both quotas have room.
  private func takes(
    _ count: Int64, of quotas: KeyQuotas, at now: Timestamp
  ) throws(StoreError) -> Bool {
    let project = Subject(project: quotas.project)
    let key = Subject(project: quotas.project, publicKey: quotas.publicKey)
    let limits = [(project, quotas.ofProject), (key, quotas.ofKey)].filter { $1.limitsSessions }
    for (subject, limit) in limits {
      var use = try use(of: subject)
      use.move(to: now)
      uses[subject] = use
      guard use.hasRoom(for: count, of: limit) else { return false }
    }
    for (subject, _) in limits {
      uses[subject]?.add(count)
      changed.insert(subject)
    }
    return true
  }

  private func use(of subject: Subject) throws(StoreError) -> SessionUse {
    if let known = uses[subject] { return known }
    select.bind(1, subject.project.rawValue)
    select.bind(2, subject.publicKey)
    guard try select.step() else { return SessionUse() }
    defer { select.reset() }
    return SessionUse(
      minute: QuotaWindow(number: Int(select.integer(0)), used: select.integer(1)),
      day: QuotaWindow(number: Int(select.integer(2)), used: select.integer(3)))
  }
}

/// A session as the table of states names it.
struct StoredSession: Hashable {
  private let started: Timestamp
  private let sessionID: SessionID
  private let series: Int

  init(_ report: SessionReport) {
    started = report.started
    sessionID = report.sessionID
    series = report.series
  }
}
