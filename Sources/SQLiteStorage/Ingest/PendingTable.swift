internal import ReleaseHealth
internal import Storage

/// Reports that are durable and acknowledged, but not folded into their sessions yet. The table
/// `pending` and memory hold the same ones.
///
/// Folding a report writes the page of its session's state, and for sessions up to an hour old that
/// is a different page each time. Thousands of reports that are folded in the order of their keys
/// share pages and hour rows. Folding is idempotent, so a run can be cut into slices: a batch is
/// done once its whole run is folded, and after a crash an unfinished run is folded again.
final class PendingTable {
  private let connection: Connection
  private let insert: Statement
  private let update: Statement
  private let finish: Statement
  /// The rest of the run that is being folded.
  private var run = Run()
  /// The number of the run's last batch.
  private var runSequence: Int64 = 0
  /// Reports that arrived since the run began.
  private var incoming = Run()
  /// The number of the last batch.
  private(set) var sequence: Int64 = 0
  private var freeSlots: [Int64] = []
  private var slotCount: Int64 = 0
  /// The slots of the batch that is being written.
  private var written: [Int64] = []
  /// The projects of which it is known which sessions are pending.
  private var tracked: Set<ProjectID> = []

  private struct Run {
    var reports = OrderedReports()
    /// The outcomes by hour of arrival.
    var outcomes: [Int: [OutcomeKey: Int64]] = [:]
    var slots: [Int64] = []
    /// The projects that have reports; nil if they are not known.
    var projects: Set<ProjectID>? = []
    /// The sessions of the tracked projects.
    var sessions: Set<StoredSession> = []
    /// The arrival time and number of the run's first batch.
    var first: (receivedAt: Timestamp, sequence: Int64)?
  }

  /// The reports that one transaction folds.
  struct Slice {
    var reports: [SessionReport]
    /// The outcomes of the whole run, by hour of arrival; only its last slice has them.
    var outcomes: [Int: [OutcomeKey: Int64]]
  }

  /// - Parameter takesOver: whether to read what an earlier process left. Only the process that
  ///   folds may do so.
  init(_ connection: Connection, takesOver: Bool) throws(StoreError) {
    self.connection = connection
    insert = try connection.prepare("INSERT INTO pending (slot, content) VALUES (?, ?)")
    update = try connection.prepare("UPDATE pending SET content = ?2 WHERE slot = ?1")
    finish = try connection.prepare("UPDATE setting SET value = ? WHERE name = 'folded_batches'")
    if takesOver { try read() }
  }

  /// The number of pending reports.
  var count: Int { run.reports.count + incoming.reports.count }

  /// Whether no run is folded in part.
  var isBetweenRuns: Bool { run.reports.isEmpty }

  /// The arrival time and number of the first pending batch.
  var first: (receivedAt: Timestamp, sequence: Int64)? { run.first ?? incoming.first }

  /// Whether reports of a project may be pending.
  func holds(_ project: ProjectID) -> Bool {
    [run.projects, incoming.projects].contains { $0?.contains(project) ?? true }
  }

  /// All pending reports.
  var all: Slice {
    var (first, second) = (run.reports, incoming.reports)
    return Slice(
      reports: first.take(max: first.count) + second.take(max: second.count),
      outcomes: run.outcomes.merging(incoming.outcomes) { $0.merging($1, uniquingKeysWith: +) })
  }

  private func read() throws(StoreError) {
    let folded = try connection.setting("folded_batches") ?? 0
    sequence = folded
    let select = try connection.prepare("SELECT slot, content FROM pending ORDER BY slot")
    while try select.step() {
      slotCount = select.integer(0)
      guard let slot = PendingSlot(packed: select.blob(1)) else {
        throw .corrupt(operation: "read updates that wait", reason: "slot \(slotCount)")
      }
      guard slot.sequence > folded else {
        freeSlots.append(slotCount)
        continue
      }
      sequence = max(sequence, slot.sequence)
      // Slots are in no particular order.
      let first = incoming.first ?? (slot.receivedAt, slot.sequence)
      incoming.first = (min(first.receivedAt, slot.receivedAt), min(first.sequence, slot.sequence))
      incoming.reports.append(contentsOf: slot.reports)
      add(slot.outcomes, hour: slot.receivedAt.hour)
      incoming.slots.append(slotCount)
      incoming.projects = nil
    }
  }

  /// Writes the reports and outcomes of a batch, in a transaction. Call
  /// ``add(_:_:receivedAt:of:tracked:)`` once that is committed.
  func write(
    _ reports: [SessionReport], _ outcomes: [OutcomeKey: Int64], receivedAt: Timestamp
  ) throws(StoreError) {
    written.removeAll(keepingCapacity: true)
    let rows = PendingSlot.pack(
      sequence: sequence + 1, receivedAt: receivedAt, reports: reports, outcomes: outcomes)
    for (index, row) in rows.enumerated() {
      let isNew = index >= freeSlots.count
      let slot =
        isNew
        ? slotCount + Int64(index - freeSlots.count + 1) : freeSlots[freeSlots.count - 1 - index]
      let statement = isNew ? insert : update
      statement.bind(1, slot)
      statement.bind(2, blob: row)
      try statement.run()
      written.append(slot)
    }
  }

  /// - Parameters:
  ///   - projects: those that the reports are of.
  ///   - tracked: the numbers of those series that ``trackedSeries(_:_:)`` gave.
  func add(
    _ reports: [SessionReport], _ outcomes: [OutcomeKey: Int64], receivedAt: Timestamp,
    of projects: Set<ProjectID>, tracked: Set<Int>
  ) {
    incoming.projects?.formUnion(projects)
    if !tracked.isEmpty {
      for report in reports where tracked.contains(report.series) {
        incoming.sessions.insert(StoredSession(report))
      }
    }
    sequence += 1
    freeSlots.removeLast(min(written.count, freeSlots.count))
    slotCount = max(slotCount, written.max() ?? 0)
    incoming.slots += written
    incoming.reports.append(contentsOf: reports)
    add(outcomes, hour: receivedAt.hour)
    if incoming.first == nil { incoming.first = (receivedAt, sequence) }
  }

  private func add(_ outcomes: [OutcomeKey: Int64], hour: Int) {
    incoming.outcomes[hour, default: [:]].merge(outcomes, uniquingKeysWith: +)
  }

  // MARK: Sessions of projects with quotas

  /// Whether a report of this session is pending, of a tracked project.
  func contains(_ session: StoredSession) -> Bool {
    incoming.sessions.contains(session) || run.sessions.contains(session)
  }

  /// Tracks a project from now on.
  func track(_ project: ProjectID, _ interning: Interning) throws(StoreError) {
    if tracked.contains(project) { return }
    try track(project, in: &run, interning)
    try track(project, in: &incoming, interning)
    tracked.insert(project)
  }

  private func track(
    _ project: ProjectID, in run: inout Run, _ interning: Interning
  ) throws(StoreError) {
    var sessions = run.sessions
    try run.reports.forEach { (report) throws(StoreError) in
      if try interning.project(of: report.series) == project {
        sessions.insert(StoredSession(report))
      }
    }
    run.sessions = sessions
  }

  /// The numbers of the series of tracked projects.
  func trackedSeries(_ series: [SeriesKey], _ numbers: [Int]) -> Set<Int> {
    if tracked.isEmpty { return [] }
    return Set(zip(series, numbers).filter { tracked.contains($0.0.project) }.map(\.1))
  }

  /// Passes the next reports to `fold`.
  ///
  /// - Parameter fold: stores the reports, and what its second argument stores, in one transaction;
  ///   throws when it was rolled back.
  func fold(
    max: Int, _ fold: (Slice, _ finish: () throws(StoreError) -> Void) throws(StoreError) -> Void
  ) throws(StoreError) {
    if run.reports.isEmpty {
      run = incoming
      incoming = Run()
      runSequence = sequence
    }
    var rest = run.reports
    let reports = rest.take(max: max)
    let isLast = rest.isEmpty
    try fold(Slice(reports: reports, outcomes: isLast ? run.outcomes : [:])) {
      () throws(StoreError) in
      guard isLast else { return }
      finish.bind(1, runSequence)
      try finish.run()
    }
    run.reports = rest
    if isLast {
      freeSlots += run.slots
      run = Run()
    }
  }
}
