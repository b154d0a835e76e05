internal import ReleaseHealth
internal import Storage

/// A part of a batch as a row of `pending` holds it: the number of the batch, when it arrived, then
/// entries, and zeros up to a length that is the same for all rows. A row that is written again
/// stays on its page, the only one that a small batch writes.
struct PendingSlot {
  /// Of the batch.
  var sequence: Int64
  var receivedAt: Timestamp
  var updates: [PendingUpdate] = []
  var outcomes: [OutcomeKey: Int64] = [:]

  /// A row fills a page of 4096 bytes, with what SQLite needs for itself.
  static let bytes = 4032

  /// No entry is longer: an outcome's name has up to 40 bytes.
  private static let entryBytesMax = 80

  /// What an entry is.
  private enum Entry: UInt64 {
    case end = 0
    case update = 1
    case outcome = 2
  }

  private static let hasDuration: UInt64 = 1 << 7
  private static let hasUser: UInt64 = 1 << 8

  /// Packs a batch into as many rows as it needs.
  static func pack(
    sequence: Int64, receivedAt: Timestamp, updates: [PendingUpdate],
    outcomes: [OutcomeKey: Int64]
  ) -> [[UInt8]] {
    var rows: [[UInt8]] = []
    var writer = begin(sequence, receivedAt)
    func turnIfFull() {
      guard writer.bytes.count + entryBytesMax > bytes else { return }
      rows.append(end(writer))
      writer = begin(sequence, receivedAt)
    }
    for update in updates {
      turnIfFull()
      write(update, to: &writer)
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

  /// The start, the session's id, the scope, the flags of ``SessionRow`` with two more bits for what
  /// follows; then the distance of the corrected start from the start, the duration, the user's hash.
  private static func write(_ update: PendingUpdate, to writer: inout VarintWriter) {
    let duration = update.durationMilliseconds
    writer.write(Entry.update.rawValue)
    writer.write(signed: update.started.milliseconds)
    writer.write(update.sessionID.value)
    writer.write(UInt64(update.scope))
    writer.write(
      UInt64(update.flags) | (duration == nil ? 0 : hasDuration)
        | (update.user == nil ? 0 : hasUser))
    writer.write(signed: update.correctedStart.milliseconds - update.started.milliseconds)
    if let duration { writer.write(signed: duration) }
    if let user = update.user { writer.write(user.value) }
  }

  /// - Returns: nil when the value is damaged.
  init?(packed: [UInt8]) {
    var reader = VarintReader(packed)
    sequence = Int64(truncatingIfNeeded: reader.read())
    receivedAt = Timestamp(milliseconds: reader.readSigned())
    while !reader.isAtEnd {
      switch Entry(rawValue: reader.read()) {
      case .end: return
      case .update:
        guard let update = Self.readUpdate(&reader, receivedAt) else { return nil }
        updates.append(update)
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

  private static func readUpdate(
    _ reader: inout VarintReader, _ receivedAt: Timestamp
  ) -> PendingUpdate? {
    let started = Timestamp(milliseconds: reader.readSigned())
    let sessionID = SessionID(value: reader.readWide())
    let scope = Int64(truncatingIfNeeded: reader.read())
    let flags = reader.read()
    let corrected = started.advanced(byMilliseconds: reader.readSigned())
    let duration = flags & hasDuration == 0 ? nil : reader.readSigned()
    let user = flags & hasUser == 0 ? nil : UserHash(value: reader.readWide())
    let update = PendingUpdate(
      started: started, sessionID: sessionID, scope: scope, flags: UInt8(flags & 0x7f),
      correctedStart: corrected, durationMilliseconds: duration, user: user,
      receivedAt: receivedAt, project: nil)
    return reader.isDamaged || update.said(user: nil) == nil ? nil : update
  }
}
