internal import Bytes
internal import Glibc

/// The address of a client, without its port: an IPv6 address, or an IPv4 address in its mapped
/// form (RFC 4291 §2.5.5.2).
package struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
  /// The first and the last eight bytes.
  private let high: UInt64
  private let low: UInt64

  /// The prefix of mapped IPv4 addresses in the last eight bytes: `::ffff:0:0`.
  private static let mapped: UInt64 = 0xffff_0000_0000

  /// - Parameter ipv4: the address in the machine's byte order.
  package init(ipv4: UInt32) {
    high = 0
    low = Self.mapped | UInt64(ipv4)
  }

  /// - Parameter ipv6: the 16 bytes of an address.
  package init(ipv6: some Sequence<UInt8>) {
    var (high, low): (UInt64, UInt64) = (0, 0)
    for (index, byte) in ipv6.prefix(16).enumerated() {
      if index < 8 { high = high << 8 | UInt64(byte) } else { low = low << 8 | UInt64(byte) }
    }
    (self.high, self.low) = (high, low)
  }

  /// Parses an address as proxies write it: `192.0.2.1`, `2001:db8::1`, in brackets or not, with or
  /// without a port.
  package init?(_ text: some StringProtocol) {
    var text = text.trimming { $0 == " " || $0 == "\t" || $0 == "\"" }
    if text.first == "[", let end = text.firstIndex(of: "]") {
      text = text[text.index(after: text.startIndex)..<end]
    } else if text.count(where: { $0 == ":" }) == 1, let colon = text.firstIndex(of: ":") {
      text = text[..<colon]
    }
    if let percent = text.firstIndex(of: "%") { text = text[..<percent] }
    var v4 = in_addr()
    var v6 = in6_addr()
    if unsafe inet_pton(AF_INET, String(text), &v4) == 1 {
      self.init(ipv4: UInt32(bigEndian: v4.s_addr))
    } else if unsafe inet_pton(AF_INET6, String(text), &v6) == 1 {
      self.init(ipv6: unsafe withUnsafeBytes(of: &v6) { unsafe Array($0) })
    } else {
      return nil
    }
  }

  /// Whether it is an IPv4 address.
  package var isIPv4: Bool { high == 0 && low >> 32 == Self.mapped >> 32 }

  /// Whether it is an address of this machine alone: 127.0.0.0/8 or ::1.
  package var isLoopback: Bool {
    isIPv4 ? low >> 24 & 0xff == 127 : high == 0 && low == 1
  }

  /// The address with all bits behind a prefix cleared.
  ///
  /// - Parameter bits: the length of the prefix of an IPv6 address; that of an IPv4 address is 96
  ///   longer here.
  package func prefix(_ bits: Int) -> PeerAddress {
    let highMask: UInt64 = bits >= 64 ? .max : bits <= 0 ? 0 : .max << (64 - bits)
    let lowMask: UInt64 = bits >= 128 ? .max : bits <= 64 ? 0 : .max << (128 - bits)
    return PeerAddress(high: high & highMask, low: low & lowMask)
  }

  private init(high: UInt64, low: UInt64) {
    (self.high, self.low) = (high, low)
  }

  /// The network that one customer usually has for itself: an IPv4 address alone, or the /64 of an
  /// IPv6 address (RFC 6177). Limits count by it.
  package var customer: PeerAddress { isIPv4 ? self : prefix(64) }

  /// What may be logged of it: the /24 of an IPv4 address, or the /48 of an IPv6 address.
  package var truncated: PeerAddress { prefix(isIPv4 ? 96 + 24 : 48) }

  package var description: String {
    if isIPv4 {
      return [24, 16, 8, 0].map { String(low >> UInt64($0) & 0xff) }.joined(separator: ".")
    }
    var address = in6_addr()
    unsafe withUnsafeMutableBytes(of: &address) { bytes in
      unsafe bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
      unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    _ = unsafe inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

extension StringProtocol {
  fileprivate func trimming(_ isStray: (Character) -> Bool) -> SubSequence {
    let start = firstIndex { !isStray($0) } ?? endIndex
    let end = lastIndex { !isStray($0) }.map(index(after:)) ?? start
    return self[start..<end]
  }
}
