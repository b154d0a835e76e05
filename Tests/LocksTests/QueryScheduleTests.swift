import Bytes
import Testing

@testable import Locks

@Suite struct QueryScheduleTests {
  private static let millisecond: Int64 = 1_000_000

  /// Two workers, which run queries of a known length by a schedule, millisecond by millisecond.
  private struct World {
    var schedule = QuerySchedule(waitingMax: 1000)
    var lengths: [UInt64: Int64] = [:]
    var arrivals: [UInt64: Int64] = [:]
    /// The queries at work, with the time for which they ran.
    var atWork: [(id: UInt64, ran: Int64)] = []
    var answered: [UInt64: Int64] = [:]
    var expired: Set<UInt64> = []
    var now: Int64 = 0

    mutating func arrive(_ id: UInt64, owner: Int64, kind: Int = 0, milliseconds: Int64) {
      lengths[id] = milliseconds
      arrivals[id] = now
      let deadline = now + 10_000 * millisecond
      let query = QuerySchedule.Query(
        id: id, owner: owner, kind: QueryKind(exact: kind, broad: kind), deadline: deadline)
      let admission = schedule.add(query, at: now)
      #expect(admission == .taken)
    }

    mutating func step() {
      expired.formUnion(schedule.removeExpired(at: now))
      while atWork.count < 2, let next = schedule.next(at: now) { atWork.append((next.id, 0)) }
      now += millisecond
      for (id, ran) in atWork {
        atWork.removeAll { $0.id == id }
        if ran + 1 >= lengths[id]! {
          schedule.end(id, isDone: true, at: now)
          answered[id] = (now - arrivals[id]!) / millisecond
        } else if now >= arrivals[id]! + 10_000 * millisecond {
          schedule.end(id, isDone: false, at: now)
          expired.insert(id)
        } else if schedule.mustYield(id, at: now, idle: 1 - min(1, atWork.count)) {
          schedule.putBack(id, at: now)
        } else {
          atWork.append((id, ran + 1))
        }
      }
    }

    mutating func run(milliseconds: Int) {
      for _ in 0..<milliseconds { step() }
    }
  }

  /// Alone, a query runs to its end without a stop, however long it takes.
  @Test func nobodyYieldsToNobody() {
    var world = World()
    world.arrive(1, owner: 1, milliseconds: 9000)
    world.arrive(2, owner: 1, milliseconds: 9000)
    world.run(milliseconds: 9001)
    #expect(world.answered == [1: 9000, 2: 9000])
  }

  /// Beside twenty queries without end a small one is answered, also one of the same owner, at any
  /// time.
  @Test(arguments: [0, 10, 100, 600, 3000, 9000], [Int64(1), 2])
  func smallQueryIsAnsweredBesideLargeOnes(after pause: Int, owner: Int64) {
    var world = World()
    for id: UInt64 in 1...20 { world.arrive(id, owner: 1, kind: 1, milliseconds: .max / 2) }
    world.run(milliseconds: pause)
    world.arrive(100, owner: owner, kind: 2, milliseconds: 4)
    world.run(milliseconds: 700)
    #expect(world.answered[100].map { $0 <= (owner == 1 ? 520 : 60) } == true)
  }

  /// Once it is known what the kinds of queries take, those that take a part of a second are
  /// answered in time beside ones without end, also of the same owner, again and again.
  @Test(arguments: [Int64(40), 150, 400])
  func mediumQueriesOfAKnownKindAreAnswered(milliseconds: Int64) {
    var world = World()
    world.arrive(1, owner: 1, kind: 1, milliseconds: milliseconds)
    world.run(milliseconds: 1000)
    for id: UInt64 in 1000..<1020 {
      world.arrive(id, owner: 1, kind: 2, milliseconds: .max / 2)
    }
    world.run(milliseconds: 12_000)
    for round: UInt64 in 1...10 {
      for id in (2000..<2020).map({ $0 + round * 100 }) {
        world.arrive(id, owner: 1, kind: 2, milliseconds: .max / 2)
      }
      world.run(milliseconds: 30)
      world.arrive(round + 1, owner: 1, kind: 1, milliseconds: milliseconds)
      world.run(milliseconds: 1000)
      #expect(world.answered[round + 1].map { $0 <= milliseconds + 200 } == true)
    }
  }

  /// Clients whose queries take nearly as long as each other do not keep one another from an
  /// answer, beside ones without end.
  @Test func similarQueriesTakeTurns() {
    var world = World()
    let lengths: [Int64] = [150, 310, 350, 600]
    for (kind, length) in lengths.enumerated() {
      world.arrive(UInt64(kind + 1), owner: 1, kind: kind, milliseconds: length)
      world.run(milliseconds: 2000)
    }
    var waiting: [UInt64] = []
    var id: UInt64 = 1000
    for millisecond in 0..<30_000 {
      if millisecond % 1000 == 0 {
        for _ in 0..<3 {
          id += 1
          world.arrive(id, owner: 1, kind: 9, milliseconds: .max / 2)
        }
      }
      if millisecond % 30 == 0 {
        for (kind, length) in lengths.enumerated() {
          let last = id / 4 * 4 + UInt64(kind) + 1_000_000
          guard !waiting.contains(where: { $0 % 4 == UInt64(kind) }) else { continue }
          world.arrive(last, owner: 1, kind: kind, milliseconds: length)
          waiting.append(last)
          id += 4
        }
      }
      world.step()
      waiting.removeAll { world.answered[$0] != nil || world.expired.contains($0) }
    }
    let times = world.answered.filter { $0.key >= 1_000_000 }.values
    #expect(times.count > 60 && times.allSatisfy { $0 < 5000 })
    #expect(world.expired.allSatisfy { $0 < 1_000_000 })
  }

  /// Also where nothing is known, other queries of the same owner take turns with its large ones.
  @Test(arguments: [Int64(40), 240, 1000])
  func firstQueryOfItsKindIsAnswered(milliseconds: Int64) {
    var world = World()
    for id: UInt64 in 1...20 { world.arrive(id, owner: 1, kind: 1, milliseconds: .max / 2) }
    world.arrive(100, owner: 1, kind: 2, milliseconds: milliseconds)
    world.run(milliseconds: 9000)
    #expect(world.answered[100].map { $0 <= milliseconds + 8000 } == true)
  }

  /// Queries of a second are answered beside a flood of small ones, and beside ones without end.
  @Test func mediumQueryIsAnswered() {
    var world = World()
    for id: UInt64 in 1...4 { world.arrive(id, owner: 1, milliseconds: .max / 2) }
    world.arrive(5, owner: 2, milliseconds: 1000)
    for small in 0..<2000 {
      world.arrive(UInt64(1000 + small), owner: 3, milliseconds: 2)
      world.run(milliseconds: 4)
    }
    #expect(world.answered[5] != nil)
    #expect(world.answered.filter { $0.key >= 1000 && $0.value > 100 }.isEmpty)
  }

  /// Whatever comes: no query is lost, each is answered or has had its time, and owners with little
  /// are served first.
  @Test(arguments: 0..<30 as Range<UInt64>)
  func everyQueryEnds(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var world = World()
    let lengths: [Int64] = [1, 3, 20, 40, 200, 1500, 12_000]
    var id: UInt64 = 0
    for _ in 0..<200 {
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        id += 1
        let length = lengths.randomElement(using: &random)!
        world.arrive(
          id, owner: .random(in: 1...4, using: &random), kind: Int(length), milliseconds: length)
      }
      world.run(milliseconds: .random(in: 0...100, using: &random))
    }
    world.run(milliseconds: 11_000)
    #expect(world.atWork.isEmpty && world.schedule.waitingCount == 0)
    #expect(world.answered.count + world.expired.count == Int(id))
    // None of more than its time is among the answered ones, and no small one among the others.
    #expect(world.answered.values.allSatisfy { $0 <= 10_000 })
    #expect(world.expired.allSatisfy { world.lengths[$0]! > 20 })
  }

  /// A full queue takes queries of owners with few, in place of the newest of those with most.
  @Test func fullQueueIsFair() {
    var schedule = QuerySchedule(waitingMax: 10)
    func query(_ id: UInt64, _ owner: Int64) -> QuerySchedule.Query {
      QuerySchedule.Query(id: id, owner: owner, deadline: Int64(id))
    }
    var admissions = (1...10).map { schedule.add(query(UInt64($0), 1), at: 0) }
    #expect(admissions.allSatisfy { $0 == .taken })
    admissions = [schedule.add(query(11, 1), at: 0), schedule.add(query(12, 2), at: 0)]
    #expect(admissions == [.refused, .displacing(10)])
    #expect(schedule.waitingCount == 10)
    var order: [UInt64] = []
    while let next = schedule.next(at: 0) {
      order.append(next.id)
      schedule.end(next.id, isDone: true, at: 0)
    }
    #expect(order == [1, 12, 2, 3, 4, 5, 6, 7, 8, 9])
  }

  /// The time in which a query only waits is not a part of its slice.
  @Test func waitingUsesNoSlice() {
    var schedule = QuerySchedule(waitingMax: 10)
    for id: UInt64 in 1...3 { _ = schedule.add(.init(id: id, owner: 1, deadline: .max), at: 0) }
    let first = schedule.next(at: 0)
    #expect(first?.id == 1)
    schedule.noteWaiting(1, at: 100 * Self.millisecond)
    let yields = [110, 126].map { schedule.mustYield(1, at: $0 * Self.millisecond, idle: 0) }
    #expect(yields == [false, true])
  }
}
