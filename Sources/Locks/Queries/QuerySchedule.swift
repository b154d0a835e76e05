/// Decides which query runs next, for how long, and which one makes room for others.
///
/// Reading has no effects, so a query can be stopped and begun again. Nobody knows beforehand how
/// long one takes: each begins with a short slice, and one that is not done by then waits for a
/// longer one, ten times as long each time. So a small query waits for short slices of large ones,
/// and what large ones lose is a ninth of their time. Where nobody waits, a query runs on.
///
/// Owners take turns within a level. While short queries come, one worker at least serves them.
/// Times are nanoseconds of a clock that is never set back.
package struct QuerySchedule: Sendable {
  package struct Query: Sendable {
    package let id: UInt64
    /// The one whose turn it takes.
    package let owner: Int64
    package let deadline: Int64
    /// The number of slices that were too short for it.
    package fileprivate(set) var level = 0

    package init(id: UInt64, owner: Int64, deadline: Int64) {
      self.id = id
      self.owner = owner
      self.deadline = deadline
    }
  }

  private struct Run {
    var query: Query
    var begun: Int64
    var sliceEnd: Int64
  }

  /// What becomes of a new query.
  package enum Admission: Equatable, Sendable {
    case taken
    /// It was taken in place of a query whose owner has more waiting than anybody else.
    case displacing(UInt64)
    case refused
  }

  /// The slices of the levels. On the last level a query makes room for those of lower levels only.
  private static let slices: [Int64] = [25_000_000, 250_000_000, 2_500_000_000, 2_500_000_000]
  /// The first slice is shorter when many wait, so that all have had it by this time.
  private static let roundNanoseconds: Int64 = 500_000_000
  private static let sliceMin: Int64 = 5_000_000
  /// The time after a new query for which a second worker waits for the next one, instead of a long
  /// query that it would soon have to stop.
  private static let quietNanoseconds: Int64 = 100_000_000

  private let waitingMax: Int
  private var lines = slices.map { _ in FairLine() }
  private var running: [UInt64: Run] = [:]
  private var lastArrival: Int64 = .min / 2
  /// No waiting query has an earlier deadline.
  private var earliestDeadline = Int64.max

  package init(waitingMax: Int) {
    self.waitingMax = waitingMax
  }

  package var waitingCount: Int { lines.reduce(0) { $0 + $1.count } }

  private var waitsForLongSlice: Bool { lines.dropFirst().contains { $0.count > 0 } }

  // MARK: Waiting

  package mutating func add(_ query: Query, at now: Int64) -> Admission {
    lastArrival = now
    var admission = Admission.taken
    if waitingCount >= waitingMax {
      guard let displaced = displaced(by: query.owner) else { return .refused }
      _ = remove(displaced)
      admission = .displacing(displaced)
    }
    append(query)
    return admission
  }

  /// The newest query of the owner with the most of them, if that is another one.
  private func displaced(by owner: Int64) -> UInt64? {
    let owners = Dictionary(grouping: lines.flatMap(\.queries), by: \.owner)
    guard let most = owners.max(by: { ($0.value.count, $0.key) < ($1.value.count, $1.key) }),
      most.key != owner, most.value.count > (owners[owner]?.count ?? 0) + 1
    else { return nil }
    return most.value.max { ($0.deadline, $0.id) < ($1.deadline, $1.id) }?.id
  }

  /// - Parameter isFirst: whether the next turn is the query's.
  private mutating func append(_ query: Query, isFirst: Bool = false) {
    lines[query.level].append(query, isFirst: isFirst)
    earliestDeadline = min(earliestDeadline, query.deadline)
  }

  /// Removes a waiting query.
  ///
  /// - Returns: whether it was there.
  package mutating func remove(_ id: UInt64) -> Bool {
    lines.indices.contains { level in !lines[level].remove { $0.id == id }.isEmpty }
  }

  /// Removes all waiting queries.
  package mutating func removeAll() -> [UInt64] {
    let all = lines.flatMap(\.queries).map(\.id)
    lines = lines.map { _ in FairLine() }
    return all
  }

  /// Removes the waiting queries whose deadline has passed.
  package mutating func removeExpired(at now: Int64) -> [UInt64] {
    if now < earliestDeadline { return [] }
    let expired = lines.indices.flatMap { lines[$0].remove { $0.deadline <= now } }
    earliestDeadline = lines.flatMap(\.queries).map(\.deadline).min() ?? .max
    return expired.map(\.id)
  }

  // MARK: Running

  /// Begins the next query on a worker that is free.
  ///
  /// - Returns: nil where none waits, or long ones have to; see ``pause(at:)``.
  package mutating func next(at now: Int64) -> Query? {
    let isShortServed = running.values.contains { $0.query.level == 0 }
    var level = 0
    if lines[0].count == 0 || isShortServed && waitsForLongSlice {
      if pause(at: now) != 0 { return nil }
      guard let long = lines.indices.dropFirst().first(where: { lines[$0].count > 0 }) else {
        return nil
      }
      level = long
    }
    guard let query = lines[level].popFirst() else { return nil }
    running[query.id] = Run(query: query, begun: now, sliceEnd: now + slice(level))
    return query
  }

  /// The time until the next query can begin; nil where none waits.
  package func pause(at now: Int64) -> Int64? {
    if lines[0].count > 0 { return 0 }
    guard waitsForLongSlice else { return nil }
    let isLongServed = running.values.contains { $0.query.level > 0 }
    return isLongServed ? max(0, lastArrival + Self.quietNanoseconds - now) : 0
  }

  private func slice(_ level: Int) -> Int64 {
    if level > 0 { return Self.slices[level] }
    let share = Self.roundNanoseconds / Int64(lines[0].count + 1)
    return max(Self.sliceMin, min(Self.slices[0], share))
  }

  /// Whether a running query has to make room.
  ///
  /// - Parameter idle: the number of workers that are about to take a query.
  package mutating func mustYield(_ id: UInt64, at now: Int64, idle: Int) -> Bool {
    guard var run = running[id] else { return false }
    let isWaited = waitingCount > idle
    while now >= run.sliceEnd {
      let isLast = run.query.level == lines.count - 1
      let rivals = isLast ? lines[1..<run.query.level] : lines[1...]
      if isWaited, run.query.level == 0 || rivals.contains(where: { $0.count > 0 }) { return true }
      if isLast { break }
      // Nobody gains by its end: it goes on as if it had begun with a longer slice.
      run.query.level += 1
      run.sliceEnd = run.begun + Self.slices[run.query.level]
    }
    running[id] = run
    guard isWaited, lines[0].count > 0 else { return false }
    // A short slice is always near. If all workers are in long ones, the one that has done the
    // least makes room.
    return running.values.allSatisfy {
      $0.query.level > 0 && ($0.begun, $0.query.id) <= (run.begun, id)
    }
  }

  /// Notes that a running query only waits for something else, so that its slice begins later.
  package mutating func noteWaiting(_ id: UInt64, at now: Int64) {
    guard var run = running[id] else { return }
    run.begun = now
    run.sliceEnd = now + slice(run.query.level)
    running[id] = run
  }

  package mutating func end(_ id: UInt64) {
    running[id] = nil
  }

  /// Makes a query that was stopped wait for its next slice, which is longer if it used up this
  /// one.
  package mutating func putBack(_ id: UInt64, at now: Int64) {
    guard let run = running[id] else { return }
    end(id)
    var query = run.query
    let isUsed = now >= run.sliceEnd
    if isUsed { query.level = min(query.level + 1, Self.slices.count - 1) }
    append(query, isFirst: !isUsed)
  }
}

/// Queries in the order of their arrival, whose owners take turns.
private struct FairLine: Sendable {
  /// The owners, in the order of their turns.
  private var owners: [Int64] = []
  private var byOwner: [Int64: [QuerySchedule.Query]] = [:]
  private(set) var count = 0

  var queries: [QuerySchedule.Query] { byOwner.values.flatMap(\.self) }

  mutating func append(_ query: QuerySchedule.Query, isFirst: Bool) {
    if isFirst {
      owners.removeAll { $0 == query.owner }
      owners.insert(query.owner, at: 0)
      byOwner[query.owner, default: []].insert(query, at: 0)
    } else {
      if byOwner[query.owner] == nil { owners.append(query.owner) }
      byOwner[query.owner, default: []].append(query)
    }
    count += 1
  }

  mutating func popFirst() -> QuerySchedule.Query? {
    if owners.isEmpty { return nil }
    let owner = owners.removeFirst()
    guard let query = byOwner[owner]?.removeFirst() else { return nil }
    if byOwner[owner]?.isEmpty == true { byOwner[owner] = nil } else { owners.append(owner) }
    count -= 1
    return query
  }

  mutating func remove(
    where isRemoved: (QuerySchedule.Query) -> Bool
  ) -> [QuerySchedule.Query] {
    let removed = queries.filter(isRemoved)
    if removed.isEmpty { return [] }
    for owner in Set(removed.map(\.owner)) {
      byOwner[owner]?.removeAll(where: isRemoved)
      if byOwner[owner]?.isEmpty == true {
        byOwner[owner] = nil
        owners.removeAll { $0 == owner }
      }
    }
    count -= removed.count
    return removed
  }
}
