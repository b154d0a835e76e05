internal import ReleaseHealth

/// What a user had in a bucket: a session of a severity, or of an abnormal mechanism.
///
/// The raw values are stored in the database.
enum UserKind: Int, CaseIterable {
  case healthy = 0
  case errored = 1
  case unhandled = 2
  case abnormal = 3
  case crashed = 4
  case backgroundANR = 5
  case foregroundANR = 6

  init(_ severity: Severity) {
    self =
      switch severity {
      case .healthy: .healthy
      case .errored: .errored
      case .unhandled: .unhandled
      case .abnormal: .abnormal
      case .crashed: .crashed
      }
  }

  init?(_ mechanism: AbnormalMechanism) {
    switch mechanism {
    case .none: return nil
    case .background: self = .backgroundANR
    case .foreground: self = .foregroundANR
    }
  }
}

/// Distinct users by kind; exact, and merged by union.
struct UserSets {
  /// Bitmaps by the raw value of the kind; empty without users, like most cells of a time series.
  private var bitmaps: [UserBitmap?] = []

  private static let kinds = UserKind.allCases.indices

  var isEmpty: Bool { bitmaps.allSatisfy { $0 == nil } }

  mutating func insert(_ user: UInt32, kind: Int) {
    guard Self.kinds.contains(kind) else { return }
    bitmap(kind).insert(user)
  }

  mutating func formUnion(_ other: UserSets) {
    for (kind, bitmap) in other.bitmaps.enumerated() {
      if let bitmap { self.bitmap(kind).formUnion(bitmap) }
    }
  }

  /// Adds the users of all kinds to a bitmap.
  func addAll(to bitmap: UserBitmap) {
    for case let own? in bitmaps { bitmap.formUnion(own) }
  }

  var counts: UserCounts {
    var counts = UserCounts()
    if bitmaps.isEmpty { return counts }
    let seen = UserBitmap()
    // From worst to best, so that each user counts under the worst kind.
    for severity in Severity.allCases.reversed() {
      guard let bitmap = self[UserKind(severity).rawValue] else { continue }
      counts.byWorst[severity] = bitmap.count(without: seen)
      // Healthy users come last, so `seen` does not need them.
      if severity != .healthy { seen.formUnion(bitmap) }
    }
    counts.withUnhandled = count(.unhandled)
    // Those whose worst session is abnormal may have an unhandled one beside it.
    counts.withFailure = union(.crashed, .unhandled)
    counts.withAbnormal = count(.abnormal)
    counts.withForegroundANR = count(.foregroundANR)
    counts.withANR = union(.backgroundANR, .foregroundANR)
    return counts
  }

  /// The number of users of either kind.
  private func union(_ one: UserKind, _ other: UserKind) -> Int64 {
    guard let bitmap = self[one.rawValue] else { return count(other) }
    return bitmap.count + (self[other.rawValue]?.count(without: bitmap) ?? 0)
  }

  private func count(_ kind: UserKind) -> Int64 { self[kind.rawValue]?.count ?? 0 }

  private mutating func bitmap(_ kind: Int) -> UserBitmap {
    if let bitmap = self[kind] { return bitmap }
    let bitmap = UserBitmap()
    self[kind] = bitmap
    return bitmap
  }

  private subscript(kind: Int) -> UserBitmap? {
    get { bitmaps.isEmpty ? nil : bitmaps[kind] }
    set {
      if bitmaps.isEmpty { bitmaps = Array(repeating: nil, count: Self.kinds.count) }
      bitmaps[kind] = newValue
    }
  }
}

extension UserSets: Equatable {
  static func == (left: UserSets, right: UserSets) -> Bool {
    kinds.allSatisfy { kind in
      switch (left[kind], right[kind]) {
      case (let one?, let other?): one.isEqual(to: other)
      case (let one?, nil), (nil, let one?): one.count == 0
      case (nil, nil): true
      }
    }
  }
}

extension UserSets {
  /// The packed sets: for each kind with users its number, the length of its bitmap, the bitmap.
  var packed: [UInt8] {
    var writer = VarintWriter()
    for (kind, bitmap) in bitmaps.enumerated() {
      guard let serialized = bitmap?.serialized else { continue }
      writer.write(byte: UInt8(kind))
      writer.write(UInt64(serialized.count))
      writer.write(bytes: serialized)
    }
    return writer.bytes
  }

  /// Adds the users of a packed value.
  ///
  /// - Returns: false when the value is damaged; bytes behind the damage are ignored.
  @discardableResult
  mutating func formUnion(packed: Span<UInt8>) -> Bool {
    var index = 0
    while index < packed.count {
      guard let kind = packed.readVarint(&index).flatMap({ Int(exactly: $0) }),
        let length = packed.readVarint(&index).flatMap({ Int(exactly: $0) }),
        Self.kinds.contains(kind), length <= packed.count - index,
        let added = UserBitmap(serialized: packed.extracting(index..<index + length))
      else { return false }
      index += length
      if let bitmap = self[kind] { bitmap.formUnion(added) } else { self[kind] = added }
    }
    return true
  }
}
