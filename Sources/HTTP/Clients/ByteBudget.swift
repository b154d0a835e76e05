/// The limit of all bytes that unfinished requests and unread answers hold together.
///
/// - What waits for clients with an accepted key or token comes from one pool. Each tenant, and
///   each connection of it, may hold as much as it leaves free: alone a half, of two a third each.
///   So there is always room for one more, whatever the others do (Choudhury and Hahne, "Dynamic
///   queue length thresholds for shared-memory packet switches").
/// - Clients without a key or token share a small pool in the same way.
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

  /// The bytes that one connection holds.
  package struct Share {
    package fileprivate(set) var bytes = 0
    fileprivate var tenant: Tenant?
    /// Whether they come from the reserve.
    package fileprivate(set) var isReserve = false

    package init() {}
  }

  private let limits: Limits
  private var tenantBytes = 0
  private var strangerBytes = 0
  private var reserveBytes = 0
  /// What each tenant holds; those without are not in it.
  private var tenants: [Tenant: Int] = [:]
  /// Grows when bytes are given back.
  package private(set) var returns: UInt64 = 0

  package init(_ limits: Limits = Limits()) {
    self.limits = limits
  }

  /// The number of bytes held, by all.
  package var bytes: Int { tenantBytes + strangerBytes + reserveBytes }

  /// Whether a connection may hold some bytes more.
  package func hasRoom(for bytes: Int, beside share: Share, of tenant: Tenant?) -> Bool {
    guard let tenant else {
      return share.bytes + bytes <= limits.strangerBytes - strangerBytes
    }
    let free = limits.tenantBytes - tenantBytes
    // If hardly anything is held, nobody holds too much.
    if tenantBytes + share.bytes + bytes <= limits.tenantBytes / 8 { return true }
    return share.bytes + bytes <= free - (tenants[tenant] ?? 0)
  }

  /// Whether a body that is here as a whole may hold some bytes from the reserve.
  package func hasReserve(for bytes: Int) -> Bool {
    reserveBytes == 0 || reserveBytes + bytes <= limits.reserveBytes
  }

  /// Whether a tenant holds much of what all may hold.
  package func isLarge(_ tenant: Tenant) -> Bool {
    (tenants[tenant] ?? 0) > limits.tenantBytes / 8
  }

  /// Makes the share hold that many bytes, whether there is room or not.
  ///
  /// - Parameter isReserve: whether they come from the reserve.
  package func hold(
    _ bytes: Int, in share: inout Share, of tenant: Tenant?, isReserve: Bool = false
  ) {
    if bytes == share.bytes, bytes == 0 || (tenant == share.tenant && isReserve == share.isReserve)
    {
      return
    }
    if bytes < share.bytes { returns &+= 1 }
    add(-share.bytes, share)
    share.bytes = bytes
    share.tenant = tenant
    share.isReserve = isReserve
    add(bytes, share)
  }

  private func add(_ bytes: Int, _ share: Share) {
    if bytes == 0 { return }
    if share.isReserve {
      reserveBytes += bytes
    } else if let tenant = share.tenant {
      tenantBytes += bytes
      let held = (tenants[tenant] ?? 0) + bytes
      tenants[tenant] = held == 0 ? nil : held
    } else {
      strangerBytes += bytes
    }
  }
}
