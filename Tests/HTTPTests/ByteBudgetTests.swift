import Bytes
import HTTP
import Testing

@Suite struct ByteBudgetTests {
  private static let limits = {
    var limits = ByteBudget.Limits()
    limits.tenantBytes = 3000
    limits.strangerBytes = 900
    limits.reserveBytes = 500
    return limits
  }()

  private static let stranger = ByteBudget.Holder.stranger(nil)

  private static func tenant(_ number: Int) -> ByteBudget.Holder {
    .tenant(.project(Int64(number), key: 1))
  }

  /// Takes ten bytes at a time for new connections, as long as there is room.
  ///
  /// - Returns: the bytes taken.
  private static func fill(_ budget: ByteBudget, _ tenant: ByteBudget.Holder) -> Int {
    var count = 0
    var share = ByteBudget.Share()
    while budget.hasRoom(for: 10, beside: share, of: tenant) {
      budget.hold(10, in: &share, of: tenant)
      share = ByteBudget.Share()
      count += 10
    }
    return count
  }

  @Test func eachTenantLeavesRoomForOneMore() {
    let budget = ByteBudget(Self.limits)
    let shares = (1...5).map { Self.fill(budget, Self.tenant($0)) }
    // A half, a quarter, …: those that come later find what the earlier ones leave free.
    for (share, expected) in zip(shares, [1500, 750, 375, 187, 93]) {
      #expect(abs(share - expected) <= 20, "\(shares)")
    }
    // Strangers have a pool of their own.
    #expect(Self.fill(budget, Self.stranger) == 900)
    #expect(budget.bytes == shares.reduce(900, +))
  }

  @Test func keysOfAProjectShareAsProjectsDo() {
    let budget = ByteBudget(Self.limits)
    _ = Self.fill(budget, Self.tenant(1))
    #expect(budget.hasRoom(for: 10, beside: .init(), of: .tenant(.project(1, key: 2))))
    #expect(budget.hasRoom(for: 10, beside: .init(), of: .tenant(.token(1))))
  }

  @Test func strangersShareByAddressWhereThatTellsThemApart() throws {
    let budget = ByteBudget(Self.limits)
    let addresses = try ["192.0.2.1", "192.0.2.2"].map { try #require(PeerAddress($0)) }
    let shares = addresses.map { Self.fill(budget, .stranger($0)) }
    #expect(abs(shares[0] - 450) <= 20 && abs(shares[1] - 225) <= 20, "\(shares)")
  }

  @Test func noConnectionTakesAll() {
    let budget = ByteBudget(Self.limits)
    var share = ByteBudget.Share()
    while budget.hasRoom(for: 10, beside: share, of: Self.tenant(1)) {
      budget.hold(share.bytes + 10, in: &share, of: Self.tenant(1))
    }
    #expect(abs(share.bytes - 1000) <= 20)
    #expect(budget.hasRoom(for: 900, beside: .init(), of: Self.tenant(1)))
  }

  @Test func theReserveIsForWholeBodies() {
    let budget = ByteBudget(Self.limits)
    var (first, second) = (ByteBudget.Share(), ByteBudget.Share())
    // One that is larger than the reserve has it alone.
    #expect(budget.hasReserve(for: 9000))
    budget.hold(300, in: &first, of: Self.stranger, isReserve: true)
    #expect(!budget.hasReserve(for: 201) && budget.hasReserve(for: 200))
    budget.hold(200, in: &second, of: Self.tenant(1), isReserve: true)
    #expect(!budget.hasReserve(for: 1))
    #expect(budget.hasRoom(for: 900, beside: .init(), of: Self.stranger))
    let returns = budget.returns
    budget.hold(0, in: &first, of: Self.stranger)
    #expect(budget.returns > returns && budget.hasReserve(for: 300))
  }

  /// Whatever is held and given back, the sums are those of the shares, and no tenant has more than
  /// it was granted.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func sumsHold(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let budget = ByteBudget(Self.limits)
    var shares = (0..<40).map { _ in ByteBudget.Share() }
    var tenants = shares.indices.map { $0 % 4 == 0 ? Self.stranger : Self.tenant($0 % 4) }
    for _ in 0..<2000 {
      let index = Int.random(in: shares.indices, using: &random)
      let bytes = Int.random(in: 0...200, using: &random)
      if shares[index].bytes == 0 { tenants[index] = tenants.randomElement(using: &random)! }
      let growth = bytes - shares[index].bytes
      if growth > 0, !budget.hasRoom(for: growth, beside: shares[index], of: tenants[index]) {
        continue
      }
      budget.hold(bytes, in: &shares[index], of: tenants[index])
      #expect(budget.bytes == shares.reduce(0) { $0 + $1.bytes })
      let strangers = zip(shares, tenants).filter { $0.1 == Self.stranger }.reduce(0) {
        $0 + $1.0.bytes
      }
      #expect(strangers <= 900 && budget.bytes - strangers <= 3000)
    }
    for index in shares.indices { budget.hold(0, in: &shares[index], of: tenants[index]) }
    #expect(budget.bytes == 0)
  }
}
