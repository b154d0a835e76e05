import Foundation
import HTTP

/// What a connection may hold in memory.
extension Connection {
  /// The maximum number of bytes that are received where there is hardly room: a usual head, or a
  /// small envelope. Most requests are here as a whole then, and hold nothing.
  static let receivedBytesMin = 4 << 10
  private static let receivedBytesOfTenant = 16 << 10

  /// The one whose share of the budget the connection takes.
  func holder(in loop: Loop) -> ByteBudget.Holder {
    if let tenant { return .tenant(tenant) }
    // Without trusted proxies, all clients may be behind one.
    return .stranger(loop.knowsClients ? client?.customer : nil)
  }

  /// The number of bytes that may be received now; 0 if the connection has to wait for room.
  func receivedBytesMax(in loop: Loop) -> Int {
    switch stage {
    case .head, .body, .awaiting: break
    // What is discarded is not held.
    case .discard, .closing, .linger, .closed: return .max
    }
    // The body has its room already.
    if reservedBytes > 0, stage == .body { return .max }
    let most = tenant == nil ? loop.limits.strangerBytesMax : loop.limits.turnBytesMax
    if loop.budget.hasRoom(for: most, beside: share, of: holder(in: loop)) { return most }
    if !hasInput, share.bytes == 0 {
      return tenant == nil ? Self.receivedBytesMin : Self.receivedBytesOfTenant
    }
    let isSome = loop.budget.hasRoom(
      for: Self.receivedBytesMin, beside: share, of: holder(in: loop))
    return isSome ? Self.receivedBytesMin : 0
  }

  /// Waits for room in the budget.
  func starve(for bytes: Int, mayUseReserve: Bool = false, in loop: Loop) {
    starvedAt = min(starvedAt, loop.now)
    pause = .starved
    bytesNeeded = bytes
    self.mayUseReserve = mayUseReserve
    loop.addStarved(self)
  }

  /// Whether there is room for what the connection waits for, beside bytes that others get first.
  func hasRoom(beside promised: Int, in loop: Loop) -> Bool {
    let bytes = promised + bytesNeeded
    return loop.budget.hasRoom(for: bytes, beside: share, of: holder(in: loop))
      || mayUseReserve && loop.budget.hasReserve(for: bytes)
  }

  /// Whether there is room for what the reader makes of some bytes; otherwise the connection waits.
  func isFunded(
    _ data: Span<UInt8>, of rest: Span<UInt8>, _ reader: any BodyReader, in loop: Loop
  ) -> Bool {
    let needed = reader.bytesNeeded(for: data)
    if needed == 0 || share.isReserve { return true }
    // Once granted, room for a step is kept for the next ones: those that have begun end.
    var wanted = reader.heldBytes + needed
    if wanted <= reservedBytes { return true }
    if reservedBytes == 0, let remaining = body.remaining {
      wanted = max(wanted, min(remaining, loop.limits.turnBytesMax))
    }
    if loop.budget.hasRoom(for: wanted - reservedBytes, beside: share, of: holder(in: loop)) {
      reservedBytes = wanted
      return true
    }
    guard body.isWhole(in: rest, loop.limits) else {
      starve(for: wanted - reservedBytes, in: loop)
      return false
    }
    // What is here as a whole is read to its end without waiting for its client. It may grow as it
    // is decoded.
    let whole = needed == data.count ? wanted : wanted + Self.decodedGrowth
    guard loop.budget.hasReserve(for: whole) else {
      starve(for: whole, mayUseReserve: true, in: loop)
      return false
    }
    reservedBytes = whole
    loop.budget.hold(whole, in: &share, of: holder(in: loop), isReserve: true)
    return true
  }

  /// What an envelope holds at most of an item, and what is made of it.
  private static let decodedGrowth = 2 << 20

  /// Notes what the connection holds at the end of its turn.
  ///
  /// - Returns: false if it was closed: its client does not read its answers, and there is no room.
  @discardableResult
  func noteHeld(in loop: Loop) -> Bool {
    var bytes = output.heldBytes
    if let reader { bytes += max(reader.heldBytes, reservedBytes) }
    // What waits for room has none yet; it is little.
    if pause != .starved { bytes += inputBytes }
    if bytes == 0, share.bytes == 0 { return true }
    loop.budget.hold(
      bytes, in: &share, of: holder(in: loop), isReserve: share.isReserve && reader != nil)
    guard hasBacklog, !loop.budget.hasRoom(for: 0, beside: share, of: holder(in: loop)) else {
      return true
    }
    loop.listener.noteClosing(.unread)
    close(in: loop)
    return false
  }

  /// Whether the connection holds bytes while its client sends or reads nearly nothing: it goes
  /// where others wait for room.
  func isStalling(in loop: Loop) -> Bool {
    guard share.bytes > 0, !share.isReserve else { return false }
    return isStandingStill(for: loop.limits.stallMilliseconds, in: loop)
  }

  /// Whether it is the client's turn, which has sent or read nearly nothing for some time.
  func isStandingStill(for milliseconds: Int64, in loop: Loop) -> Bool {
    guard pause == .none, !isQueued || isLingering else { return false }
    if hasBacklog { return loop.now > waitingSince + milliseconds }
    switch stage {
    case .head: return isHeadBegun && loop.now > waitingSince + milliseconds
    case .linger: return loop.now > waitingSince + milliseconds
    case .body, .discard:
      let pace = Int64(bodyBytes) * 1000 / Int64(loop.limits.bodyBytesPerSecondMin)
      return loop.now > min(receivedAt, waitingSince + pace) + milliseconds
    case .awaiting, .closing, .closed: return false
    }
  }
}

/// The tenants of which a connection waits for room.
struct StarvingTenants {
  private var hasStrangers = false
  private var tenants: Set<Tenant> = []
  /// The one that began last of those that hold some bytes and have waited for more for long: where
  /// all that hold any do, none would go on.
  private(set) var last: Connection?

  /// - Parameters:
  ///   - connections: those that wait.
  ///   - all: all connections.
  ///   - time: since when is long.
  init(_ connections: [Connection], among all: [Connection?], at time: Int64) {
    if connections.isEmpty { return }
    func holds(_ connection: Connection, asStranger isStranger: Bool) -> Bool {
      connection.share.bytes > 0 && !connection.share.isReserve
        && (connection.tenant == nil) == isStranger
    }
    // Strangers have a room of their own. Where one goes on, or stands still and so gives way,
    // there is room for others after it.
    let isStuck = [false, true].map { isStranger in
      !all.contains {
        $0.map { $0.pause != .starved && holds($0, asStranger: isStranger) } ?? false
      }
    }
    for connection in connections where connection.pause == .starved {
      let isStranger = connection.tenant == nil
      if isStuck[isStranger ? 1 : 0], holds(connection, asStranger: isStranger),
        connection.starvedAt <= time, connection.waitingSince >= last?.waitingSince ?? .min
      {
        last = connection
      }
      if let tenant = connection.tenant {
        tenants.insert(tenant)
      } else {
        hasStrangers = true
      }
    }
  }

  /// Whether a connection holds what they need, without using it: one of the same tenant, or of one
  /// that holds much.
  func need(_ connection: Connection, in loop: Loop) -> Bool {
    guard hasStrangers || !tenants.isEmpty, connection.isStalling(in: loop) else { return false }
    guard let tenant = connection.tenant else { return hasStrangers }
    return tenants.contains(tenant) || !tenants.isEmpty && loop.budget.isLarge(tenant)
  }
}
