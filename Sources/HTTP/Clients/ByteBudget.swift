/// The limit of all bytes that unfinished requests and unread answers hold together.
///
/// - What waits for clients with an accepted key or token comes from one pool. Each tenant, and
///   each connection of it, may hold as much as it leaves free: alone a half, of two a third each.
///   So there is always room for one more, whatever the others do (Choudhury and Hahne, "Dynamic
///   queue length thresholds for shared-memory packet switches").
/// - Clients without a key or token, strangers, share a small pool in the same way.
/// - Bodies that are here as a whole and find no room there have a reserve. They wait for nobody
///   but this process, so a place in it comes soon.
///
/// Used on the loop thread only.
package final class ByteBudget {
  package struct Limits: Sendable {
    package var tenantBytes = 64 << 20
    package var strangerBytes = 16 << 20
    package var reserveBytes = 24 << 20

    package init() {}
  }

  /// The one whose share it is.
  package enum Holder: Hashable, Sendable {
    case tenant(Tenant)
    /// A client without an accepted key or token, by its address where addresses tell clients
    /// apart; nil where they do not, since a proxy may be in front.
    case stranger(PeerAddress?)
  }

  /// The bytes that one connection holds.
  package struct Share {
    package fileprivate(set) var bytes = 0
    fileprivate var holder = Holder.stranger(nil)
    /// Whether they come from the reserve.
    package fileprivate(set) var isReserve = false

    package init() {}
  }

  private let limits: Limits
  private var tenantBytes = 0
  private var strangerBytes = 0
  private var reserveBytes = 0
  /// What each holds; those who hold nothing are not in it.
  private var holders: [Holder: Int] = [:]
  /// Grows when bytes are given back.
  package private(set) var returns: UInt64 = 0

  package init(_ limits: Limits = Limits()) {
    self.limits = limits
  }

  /// The number of bytes held, by all.
  package var bytes: Int { tenantBytes + strangerBytes + reserveBytes }

  /// Whether a connection may hold some bytes more.
  package func hasRoom(for bytes: Int, beside share: Share, of holder: Holder) -> Bool {
    switch holder {
    case .tenant:
      // If hardly anything is held, nobody holds too much.
      if tenantBytes + share.bytes + bytes <= limits.tenantBytes / 8 { return true }
      return share.bytes + bytes <= limits.tenantBytes - tenantBytes - (holders[holder] ?? 0)
    case .stranger(nil):
      return share.bytes + bytes <= limits.strangerBytes - strangerBytes
    case .stranger:
      return share.bytes + bytes <= limits.strangerBytes - strangerBytes - (holders[holder] ?? 0)
    }
  }

  /// Whether a body that is here as a whole may hold some bytes from the reserve.
  package func hasReserve(for bytes: Int) -> Bool {
    reserveBytes == 0 || reserveBytes + bytes <= limits.reserveBytes
  }

  /// Whether a tenant holds much of what all may hold.
  package func isLarge(_ tenant: Tenant) -> Bool {
    (holders[.tenant(tenant)] ?? 0) > limits.tenantBytes / 8
  }

  /// Makes the share hold that many bytes, whether there is room or not.
  ///
  /// - Parameter isReserve: whether they come from the reserve.
  package func hold(
    _ bytes: Int, in share: inout Share, of holder: Holder, isReserve: Bool = false
  ) {
    if bytes == share.bytes, bytes == 0 || (holder == share.holder && isReserve == share.isReserve)
    {
      return
    }
    if bytes < share.bytes { returns &+= 1 }
    add(-share.bytes, share)
    share.bytes = bytes
    share.holder = holder
    share.isReserve = isReserve
    add(bytes, share)
  }

  private func add(_ bytes: Int, _ share: Share) {
    if bytes == 0 { return }
    if share.isReserve {
      reserveBytes += bytes
      return
    }
    if case .tenant = share.holder { tenantBytes += bytes } else { strangerBytes += bytes }
    let held = (holders[share.holder] ?? 0) + bytes
    holders[share.holder] = held == 0 ? nil : held
  }
}
