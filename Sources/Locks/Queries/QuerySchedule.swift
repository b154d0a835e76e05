/// Decides which query runs next, for how long, and which one makes room for others.
///
/// Reading has no effects, so a query can be stopped and begun again. A query begins with a slice
/// that is long enough for what an equal one took before. The first one has a short slice, and if
/// it is not done by then waits for a longer one: as long as similar ones took, or many times as
/// long. So a small query waits for short slices of large ones, and large ones lose some of their
/// time. Where nobody waits, a query runs on.
///
/// Owners take turns within a level, and so do the kinds of queries of each. While queries of
/// shorter slices come, one worker at least serves them. Times are nanoseconds of a clock that is
/// never set back.
package struct QuerySchedule: Sendable {
  package struct Query: Sendable {
    package let id: UInt64
    /// The one whose turn it takes.
    package let owner: Int64
    package let deadline: Int64
    /// What is known to take as long as it.
    package let kind: QueryKind
    /// The number of slices that were too short for it.
    package fileprivate(set) var level = 0

    package init(id: UInt64, owner: Int64, kind: QueryKind = QueryKind(), deadline: Int64) {
      self.id = id
      self.owner = owner
      self.kind = kind
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
  private static let slices: [Int64] = [25_000_000, 250_000_000, 1_000_000_000, 2_500_000_000]
  /// How much longer the next slice of a query is at least, so that what it lost is little beside.
  private static let growth: Int64 = 20
  /// How much longer the slices of queries are that make room for a query.
  private static let muchLonger: Int64 = 5
  /// The first slice is shorter when many wait, so that all have had it by this time.
  private static let roundNanoseconds: Int64 = 500_000_000
  private static let sliceMin: Int64 = 5_000_000
  /// The time after a new query for which a second worker waits for the next one, instead of a long
  /// query that it would soon have to stop.
  private static let quietNanoseconds: Int64 = 100_000_000

  private let waitingMax: Int
  private var lines = slices.map { _ in FairLine() }
  private var running: [UInt64: Run] = [:]
  private var costs = QueryCosts()
  private var lastArrival: Int64 = .min / 2
  /// No waiting query has an earlier deadline.
  private var earliestDeadline = Int64.max

  package init(waitingMax: Int) {
    self.waitingMax = waitingMax
  }

  package var waitingCount: Int { lines.reduce(0) { $0 + $1.count } }

  // MARK: Waiting

  package mutating func add(_ query: Query, at now: Int64) -> Admission {
    lastArrival = now
    var admission = Admission.taken
    if waitingCount >= waitingMax {
      guard let displaced = displaced(by: query.owner) else { return .refused }
      _ = remove(displaced)
      admission = .displacing(displaced)
    }
    var query = query
    query.level = costs.ofEqual(query).map(Self.level(for:)) ?? 0
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
    guard let level = nextLevel, pause(level, at: now) == 0, let query = lines[level].popFirst()
    else { return nil }
    running[query.id] = Run(query: query, begun: now, sliceEnd: now + slice(level))
    return query
  }

  private var lowestLevel: Int? { lines.firstIndex { $0.count > 0 } }

  /// The shortest slice that is waited for and that no worker is in; else the shortest one.
  private var nextLevel: Int? {
    lines.indices.first { lines[$0].count > 0 && !isServed($0) } ?? lowestLevel
  }

  private func isServed(_ level: Int) -> Bool {
    running.values.contains { $0.query.level == level }
  }

  /// The time until the next query can begin; nil where none waits.
  package func pause(at now: Int64) -> Int64? {
    nextLevel.map { pause($0, at: now) }
  }

  private func pause(_ level: Int, at now: Int64) -> Int64 {
    let isAsLongServed = running.values.contains { (1...max(1, level)) ~= $0.query.level }
    if level == 0 || lines[0].count > 0 || !isAsLongServed { return 0 }
    return max(0, lastArrival + Self.quietNanoseconds - now)
  }

  /// The level whose slice is long enough for some nanoseconds of work.
  private static func level(for cost: Int64) -> Int {
    slices.firstIndex { cost + cost / 4 <= $0 } ?? slices.count - 1
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
      // On the last level, shorter ones that another worker serves are no rivals.
      let isRivaled = lines.indices.dropFirst().contains { level in
        lines[level].count > 0
          && !(isLast && (level >= run.query.level || isServed(level)))
      }
      if isWaited, run.query.level == 0 || isRivaled { return true }
      if isLast { break }
      // Nobody gains by its end: it goes on as if it had begun with a longer slice.
      run.query.level += 1
      run.sliceEnd = run.begun + Self.slices[run.query.level]
    }
    running[id] = run
    // A worker that is about to take a query takes the one with the shortest slice.
    guard isWaited, idle == 0, let lowest = lowestLevel else { return false }
    // A shorter slice is always near. If all workers are in much longer ones, the one that has done
    // the least makes room.
    return running.values.allSatisfy {
      isMuchLonger($0.query.level, than: lowest) && ($0.begun, $0.query.id) <= (run.begun, id)
    }
  }

  /// The last level has no end.
  private func isMuchLonger(_ level: Int, than other: Int) -> Bool {
    level > other
      && (level == lines.count - 1 || Self.slices[level] >= Self.slices[other] * Self.muchLonger)
  }

  /// Notes that a running query only waits for something else, so that its slice begins later.
  package mutating func noteWaiting(_ id: UInt64, at now: Int64) {
    guard var run = running[id] else { return }
    run.begun = now
    run.sliceEnd = now + slice(run.query.level)
    running[id] = run
  }

  /// - Parameter isDone: whether the query has done its work.
  package mutating func end(_ id: UInt64, isDone: Bool, at now: Int64) {
    guard let run = running.removeValue(forKey: id) else { return }
    costs.note(now - run.begun, of: run.query, isDone: isDone)
  }

  /// Makes a query that was stopped wait for its next slice, which is longer if it used up this
  /// one.
  package mutating func putBack(_ id: UInt64, at now: Int64) {
    guard let run = running[id] else { return }
    end(id, isDone: false, at: now)
    var query = run.query
    let isUsed = now >= run.sliceEnd
    if isUsed {
      let slice = Self.slices[query.level]
      let next = Self.slices.firstIndex { $0 >= slice * Self.growth } ?? Self.slices.count - 1
      query.level = max(next, costs.ofSimilar(query).map(Self.level(for:)) ?? 0)
    }
    append(query, isFirst: !isUsed)
  }
}

/// Whether queries take as long as each other. Both numbers are hashes.
package struct QueryKind: Sendable {
  /// That of equal queries.
  package var exact: Int
  /// That of similar ones.
  package var broad: Int

  package init(exact: Int = 0, broad: Int = 0) {
    self.exact = exact
    self.broad = broad
  }
}

/// What the queries of each owner took.
private struct QueryCosts: Sendable {
  private struct Key: Hashable {
    var owner: Int64
    var kind: Int
    var isExact: Bool
  }

  /// Beyond this many, all are learnt anew.
  private static let countMax = 4096

  private var typical: [Key: Int64] = [:]

  /// - Returns: nanoseconds; nil where nothing is known.
  func ofEqual(_ query: QuerySchedule.Query) -> Int64? {
    typical[Key(owner: query.owner, kind: query.kind.exact, isExact: true)]
  }

  /// - Returns: nanoseconds; nil where nothing is known.
  func ofSimilar(_ query: QuerySchedule.Query) -> Int64? {
    typical[Key(owner: query.owner, kind: query.kind.broad, isExact: false)]
  }

  mutating func note(_ nanoseconds: Int64, of query: QuerySchedule.Query, isDone: Bool) {
    for (kind, isExact) in [(query.kind.exact, true), (query.kind.broad, false)] {
      let key = Key(owner: query.owner, kind: kind, isExact: isExact)
      let known = typical[key]
      if known == nil, typical.count >= Self.countMax { typical = [:] }
      // One that had to stop would have taken longer.
      typical[key] =
        isDone ? ((known ?? nanoseconds) * 3 + nanoseconds) / 4 : max(known ?? 0, nanoseconds)
    }
  }
}

/// Queries in the order of their arrival. Owners take turns, and of each owner similar queries and
/// others, so that a small one does not wait for all of the large ones before it.
private struct FairLine: Sendable {
  private struct Owner {
    var queries: [QuerySchedule.Query] = []
    /// The number of the last turn of each kind.
    var turns: [Int: Int] = [:]
    var turn = 0

    mutating func popFirst() -> QuerySchedule.Query {
      // The first of those whose kind has waited the longest.
      let places = queries.indices
      let next = places.min {
        turns[queries[$0].kind.broad] ?? 0 < turns[queries[$1].kind.broad] ?? 0
      }
      let query = queries.remove(at: next ?? 0)
      turn += 1
      turns[query.kind.broad] = turn
      return query
    }
  }

  /// The owners, in the order of their turns.
  private var order: [Int64] = []
  private var owners: [Int64: Owner] = [:]
  private(set) var count = 0

  var queries: [QuerySchedule.Query] { owners.values.flatMap(\.queries) }

  mutating func append(_ query: QuerySchedule.Query, isFirst: Bool) {
    if owners[query.owner] == nil { order.append(query.owner) }
    var owner = owners.removeValue(forKey: query.owner) ?? Owner()
    if isFirst {
      order.removeAll { $0 == query.owner }
      order.insert(query.owner, at: 0)
      owner.queries.insert(query, at: 0)
      owner.turns[query.kind.broad] = nil
    } else {
      owner.queries.append(query)
    }
    owners[query.owner] = owner
    count += 1
  }

  mutating func popFirst() -> QuerySchedule.Query? {
    if order.isEmpty { return nil }
    let id = order.removeFirst()
    guard var owner = owners.removeValue(forKey: id) else { return nil }
    let query = owner.popFirst()
    if !owner.queries.isEmpty {
      owners[id] = owner
      order.append(id)
    }
    count -= 1
    return query
  }

  mutating func remove(
    where isRemoved: (QuerySchedule.Query) -> Bool
  ) -> [QuerySchedule.Query] {
    let removed = queries.filter(isRemoved)
    if removed.isEmpty { return [] }
    for id in Set(removed.map(\.owner)) {
      owners[id]?.queries.removeAll(where: isRemoved)
      if owners[id]?.queries.isEmpty == true {
        owners[id] = nil
        order.removeAll { $0 == id }
      }
    }
    count -= removed.count
    return removed
  }
}
