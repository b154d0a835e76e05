internal import ReleaseHealth
internal import Storage

/// The severity, abnormal mechanism and two flags of a session in one number, as stored in
/// `session` and `pending` (see schema.sql).
struct SessionFlags {
  var severity: Severity
  var mechanism: AbnormalMechanism
  var hasExited: Bool
  var hasInitial: Bool

  /// All bits that are in use.
  static let mask: Int64 = 0x7f

  var packed: Int64 {
    Int64(severity.rawValue) | Int64(mechanism.rawValue) << 3 | (hasExited ? 32 : 0)
      | (hasInitial ? 64 : 0)
  }
}

extension SessionFlags {
  /// - Returns: nil for a number that ``packed`` never has.
  init?(packed: Int64) {
    guard let severity = Severity(rawValue: UInt8(truncatingIfNeeded: packed & 7)),
      let mechanism = AbnormalMechanism(rawValue: UInt8(truncatingIfNeeded: packed >> 3 & 3))
    else { return nil }
    self.init(
      severity: severity, mechanism: mechanism, hasExited: packed & 32 != 0,
      hasInitial: packed & 64 != 0)
  }
}

/// The columns of a session's state in the table `session`.
enum SessionRow {
  /// Binds flags, duration, users, earliest and latest to five parameters from `first` on.
  static func bind(
    _ session: Session, started: Timestamp, to statement: Statement, from first: Int32
  ) {
    let flags = SessionFlags(
      severity: session.severity, mechanism: session.mechanism, hasExited: session.hasExited,
      hasInitial: session.hasInitial)
    statement.bind(first, flags.packed)
    statement.bind(first + 1, session.durationMilliseconds)
    bind(session.users, to: statement, first + 2)
    let isDrifted = session.earliestStart != started || session.latestStart != started
    statement.bind(first + 3, isDrifted ? session.earliestStart.milliseconds : nil)
    statement.bind(first + 4, isDrifted ? session.latestStart.milliseconds : nil)
  }

  /// Reads the same five columns from the statement's current row.
  static func read(
    _ statement: Statement, from first: Int32, started: Timestamp
  ) throws(StoreError) -> Session {
    guard let flags = SessionFlags(packed: statement.integer(first)) else {
      throw .corrupt(operation: "read a session", reason: "flags \(statement.integer(first))")
    }
    var session = Session(start: started)
    session.severity = flags.severity
    session.mechanism = flags.mechanism
    session.hasExited = flags.hasExited
    session.hasInitial = flags.hasInitial
    session.durationMilliseconds = statement.optionalInteger(first + 1)
    statement.withBlob(first + 2) { session.users = users(packed: $0) }
    if let earliest = statement.optionalInteger(first + 3) {
      session.earliestStart = Timestamp(milliseconds: earliest)
    }
    if let latest = statement.optionalInteger(first + 4) {
      session.latestStart = Timestamp(milliseconds: latest)
    }
    return session
  }

  /// Packs each user as four bytes, least significant first.
  private static func bind(_ users: SessionUsers, to statement: Statement, _ index: Int32) {
    guard users.count > 1 else { return statement.bind(index, users.first?.rawValue) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(users.count * 4)
    users.forEach { user in
      for shift in stride(from: 0, to: 32, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: user.rawValue >> UInt32(shift)))
      }
    }
    statement.bind(index, blob: bytes)
  }

  static func users(packed bytes: Span<UInt8>) -> SessionUsers {
    var users = SessionUsers()
    for start in stride(from: 0, to: bytes.count - 3, by: 4) {
      var value: UInt32 = 0
      for index in 0..<4 { value |= UInt32(bytes[start + index]) << UInt32(index * 8) }
      users.append(UserID(rawValue: value))
    }
    return users
  }
}
