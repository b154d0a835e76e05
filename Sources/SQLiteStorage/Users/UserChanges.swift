internal import ReleaseHealth

/// Changes of the number of sessions per user and kind, in one minute of a series, as a row of
/// `user_minute` packs them. The rows of a minute are parts, whose changes add up.
struct UserChanges {
  /// A kind and a user, in the order in which they are packed.
  struct Key: Hashable, Comparable {
    fileprivate var code: UInt64

    init(kind: UserKind, user: UInt32) {
      code = UInt64(kind.rawValue) << 32 | UInt64(user)
    }

    fileprivate init(code: UInt64) {
      self.code = code
    }

    /// The raw value of the ``UserKind``.
    var kind: Int { Int(code >> 32) }
    var user: UInt32 { UInt32(truncatingIfNeeded: code) }

    static func < (left: Key, right: Key) -> Bool { left.code < right.code }
  }

  typealias Change = (key: Key, sessions: Int64)

  /// The changes, ascending by key; none is zero.
  private(set) var changes: [Change] = []

  /// - Parameter changes: ascending by key.
  init(_ changes: [Change] = []) {
    self.changes = changes.filter { $0.sessions != 0 }
  }

  /// - Parameter changes: ascending by key; changes of the same key add up.
  init(adding changes: some Sequence<Change>) {
    var summed: [Change] = []
    for change in changes {
      if let last = summed.last, last.key == change.key {
        summed[summed.count - 1].sessions = Self.sum(last.sessions, change.sessions)
      } else {
        summed.append(change)
      }
    }
    self.init(summed)
  }

  /// The sum of both; changes that cancel out are omitted.
  func merged(with other: UserChanges) -> UserChanges {
    var merged: [Change] = []
    merged.reserveCapacity(changes.count + other.changes.count)
    var (left, right) = (changes[...], other.changes[...])
    while let one = left.first, let another = right.first {
      if one.key == another.key {
        merged.append((one.key, Self.sum(one.sessions, another.sessions)))
        left.removeFirst()
        right.removeFirst()
      } else if one.key < another.key {
        merged.append(one)
        left.removeFirst()
      } else {
        merged.append(another)
        right.removeFirst()
      }
    }
    return UserChanges(merged + left + right)
  }

  /// The sum, saturated, since a client can send any number in an aggregate.
  static func sum(_ left: Int64, _ right: Int64) -> Int64 {
    max(-1 << 60, min(1 << 60, left + right))
  }
}

extension UserChanges {
  /// The distance of each key from the one before, with a lowest bit that says whether the change
  /// follows; without it, the change is one session more.
  var packed: [UInt8] {
    var writer = VarintWriter()
    writer.reserve(changes.count * 3)
    var previous: UInt64 = 0
    for (key, sessions) in changes {
      let distance = key.code - previous
      previous = key.code
      writer.write(distance << 1 | (sessions == 1 ? 0 : 1))
      if sessions != 1 { writer.write(signed: sessions) }
    }
    return writer.bytes
  }

  /// Reads packed changes; damaged bytes are read as far as possible.
  init(packed: [UInt8]) {
    var reader = VarintReader(packed)
    var code: UInt64 = 0
    while !reader.isAtEnd {
      let word = reader.read()
      code &+= word >> 1
      let sessions = word & 1 == 0 ? 1 : reader.readSigned()
      if !reader.isDamaged { changes.append((Key(code: code), sessions)) }
    }
  }

  /// Calls `body` once for each kind and user with sessions.
  ///
  /// - Parameter parts: all parts of a minute.
  static func forEachUser(_ parts: [UserChanges], _ body: (Key) -> Void) {
    if parts.count == 1, let part = parts.first {
      for change in part.changes where change.sessions > 0 { body(change.key) }
      return
    }
    for (key, sessions) in sums(parts) where sessions > 0 { body(key) }
  }

  /// The sums over all parts of a minute.
  static func sums(_ parts: [UserChanges]) -> [Key: Int64] {
    var sums: [Key: Int64] = [:]
    for part in parts {
      for (key, sessions) in part.changes { sums[key] = sum(sums[key] ?? 0, sessions) }
    }
    return sums
  }
}

/// Collects the parts of minutes, which are added in the order of the minutes.
struct UserMinutes {
  private var minute: Int64?
  private var parts: [UserChanges] = []

  /// - Parameter body: is called with the completed minute, if there is one.
  mutating func add(
    minute: Int64, packed: [UInt8], _ body: (_ minute: Int, [UserChanges]) -> Void
  ) {
    if minute != self.minute { finish(body) }
    self.minute = minute
    parts.append(UserChanges(packed: packed))
  }

  mutating func finish(_ body: (_ minute: Int, [UserChanges]) -> Void) {
    if let minute { body(Int(minute), parts) }
    minute = nil
    parts = []
  }
}
