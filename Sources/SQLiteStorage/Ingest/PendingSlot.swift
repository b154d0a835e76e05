internal import ReleaseHealth
internal import Storage

/// One row of `pending`: the batch number, the arrival time, the entries, and zeros up to a fixed
/// length. A rewritten row stays on its page, the only page that a small batch writes.
struct PendingSlot {
  /// The number of the batch.
  var sequence: Int64
  var receivedAt: Timestamp
  var reports: [SessionReport] = []
  var outcomes: [OutcomeKey: Int64] = [:]

  /// The size of a row: with SQLite's overhead, it fills a page of 4096 bytes.
  static let bytes = 4032

  /// The maximum size of an entry; an outcome's name has up to 40 bytes.
  private static let entryBytesMax = 80

  /// The kind of an entry.
  private enum Entry: UInt64 {
    case end = 0
    case report = 1
    case outcome = 2
  }

  private static let hasDuration: UInt64 = 1 << 7
  private static let hasUser: UInt64 = 1 << 8

  /// Packs a batch into as many rows as it needs.
  static func pack(
    sequence: Int64, receivedAt: Timestamp, reports: [SessionReport], outcomes: [OutcomeKey: Int64]
  ) -> [[UInt8]] {
    var rows: [[UInt8]] = []
    var writer = begin(sequence, receivedAt)
    func turnIfFull() {
      guard writer.bytes.count + entryBytesMax > bytes else { return }
      rows.append(end(writer))
      writer = begin(sequence, receivedAt)
    }
    for report in reports {
      turnIfFull()
      write(report, to: &writer)
    }
    for (key, quantity) in outcomes {
      turnIfFull()
      writer.write(Entry.outcome.rawValue)
      writer.write(UInt64(bitPattern: key.project.rawValue))
      let name = Array(key.outcome.name.utf8)
      writer.write(UInt64(name.count))
      writer.write(bytes: name)
      writer.write(signed: quantity)
    }
    rows.append(end(writer))
    return rows
  }

  private static func begin(_ sequence: Int64, _ receivedAt: Timestamp) -> VarintWriter {
    var writer = VarintWriter()
    writer.reserve(bytes)
    writer.write(UInt64(sequence))
    writer.write(signed: receivedAt.milliseconds)
    return writer
  }

  private static func end(_ writer: VarintWriter) -> [UInt8] {
    writer.bytes + [UInt8](repeating: 0, count: bytes - writer.bytes.count)
  }

  /// Writes the start, the session id, the series id and the ``SessionFlags`` with two more bits
  /// for the optional fields; then the offset of the corrected start, the duration and the user's
  /// hash.
  private static func write(_ report: SessionReport, to writer: inout VarintWriter) {
    let flags = SessionFlags(
      severity: report.severity, mechanism: report.mechanism, hasExited: report.hasExited,
      hasInitial: report.isInitial)
    writer.write(Entry.report.rawValue)
    writer.write(signed: report.started.milliseconds)
    writer.write(report.sessionID.value)
    writer.write(UInt64(report.series))
    writer.write(
      UInt64(flags.packed) | (report.durationMilliseconds == nil ? 0 : hasDuration)
        | (report.user == nil ? 0 : hasUser))
    writer.write(signed: report.correctedStart.milliseconds - report.started.milliseconds)
    if let duration = report.durationMilliseconds { writer.write(signed: duration) }
    if let user = report.user { writer.write(user.value) }
  }

  /// - Returns: nil when the value is damaged.
  init?(packed: [UInt8]) {
    var reader = VarintReader(packed)
    sequence = Int64(truncatingIfNeeded: reader.read())
    receivedAt = Timestamp(milliseconds: reader.readSigned())
    while !reader.isAtEnd {
      switch Entry(rawValue: reader.read()) {
      case .end: return
      case .report:
        guard let report = Self.readReport(&reader, receivedAt) else { return nil }
        reports.append(report)
      case .outcome:
        let project = ProjectID(rawValue: Int64(bitPattern: reader.read()))
        let name = reader.read(count: Int(truncatingIfNeeded: reader.read())) ?? []
        let quantity = reader.readSigned()
        guard !reader.isDamaged, let outcome = Outcome(name: String(decoding: name, as: UTF8.self))
        else { return nil }
        outcomes[OutcomeKey(project: project, outcome: outcome), default: 0] += quantity
      case nil: return nil
      }
    }
    if reader.isDamaged { return nil }
  }

  private static func readReport(
    _ reader: inout VarintReader, _ receivedAt: Timestamp
  ) -> SessionReport? {
    let started = Timestamp(milliseconds: reader.readSigned())
    var report = SessionReport(sessionID: SessionID(value: reader.readWide()), started: started)
    report.series = Int(truncatingIfNeeded: reader.read())
    let bits = reader.read()
    guard let flags = SessionFlags(packed: Int64(bits) & SessionFlags.mask) else { return nil }
    report.severity = flags.severity
    report.mechanism = flags.mechanism
    report.hasExited = flags.hasExited
    report.isInitial = flags.hasInitial
    report.correctedStart = started.advanced(byMilliseconds: reader.readSigned())
    if bits & hasDuration != 0 { report.durationMilliseconds = reader.readSigned() }
    if bits & hasUser != 0 { report.user = UserHash(value: reader.readWide()) }
    report.receivedAt = receivedAt
    report.isRecovered = true
    return reader.isDamaged ? nil : report
  }
}
