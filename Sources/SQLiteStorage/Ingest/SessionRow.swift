internal import ReleaseHealth
internal import Storage

/// A session's state as the table `session` has it.
enum SessionRow {
  /// Severity, mechanism and the two marks in one number; see schema.sql.
  static func flags(_ session: Session) -> Int {
    Int(session.severity.rawValue) + Int(session.mechanism.rawValue) << 3
      + (session.hasExited ? 32 : 0) + (session.hasInitial ? 64 : 0)
  }

  /// Binds flags, duration, users, earliest and latest to five parameters from `first` on.
  static func bind(
    _ session: Session, started: Timestamp, to statement: Statement, from first: Int32
  ) {
    statement.bind(first, flags(session))
    statement.bind(first + 1, session.durationMilliseconds)
    statement.bind(first + 2, blob: session.users.isEmpty ? nil : pack(session.users))
    let isDrifted = session.earliestStart != started || session.latestStart != started
    statement.bind(first + 3, isDrifted ? session.earliestStart.milliseconds : nil)
    statement.bind(first + 4, isDrifted ? session.latestStart.milliseconds : nil)
  }

  /// Reads the same five columns from the statement's current row.
  static func read(_ statement: Statement, from first: Int32, started: Timestamp) throws(StoreError)
    -> Session
  {
    let flags = statement.integer(first)
    let session = session(
      flags: flags, durationMilliseconds: statement.optionalInteger(first + 1),
      users: unpack(statement.blob(first + 2)),
      earliestStart: statement.optionalInteger(first + 3).map { Timestamp(milliseconds: $0) }
        ?? started,
      latestStart: statement.optionalInteger(first + 4).map { Timestamp(milliseconds: $0) }
        ?? started)
    guard let session else {
      throw .corrupt(operation: "read a session", reason: "flags \(flags)")
    }
    return session
  }

  /// - Returns: nil when the flags are none that ``flags(_:)`` gives.
  static func session(
    flags: Int64, durationMilliseconds: Int64?, users: [UserID], earliestStart: Timestamp,
    latestStart: Timestamp
  ) -> Session? {
    guard let severity = Severity(rawValue: UInt8(truncatingIfNeeded: flags & 7)),
      let mechanism = HangMechanism(rawValue: UInt8(truncatingIfNeeded: flags >> 3 & 3))
    else { return nil }
    return Session(
      severity: severity, mechanism: mechanism, hasExited: flags & 32 != 0,
      hasInitial: flags & 64 != 0, durationMilliseconds: durationMilliseconds, users: users,
      earliestStart: earliestStart, latestStart: latestStart)
  }

  private static func pack(_ users: [UserID]) -> [UInt8] {
    users.flatMap { user in
      (0..<4).map { UInt8(truncatingIfNeeded: user.rawValue >> ($0 * 8)) }
    }
  }

  static func unpack(_ bytes: [UInt8]) -> [UserID] {
    stride(from: 0, to: bytes.count - 3, by: 4).map { start in
      UserID(rawValue: (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32($1 * 8) })
    }
  }
}
