internal import Bytes
internal import CCurl
internal import Glibc

/// An IP address of 4 or 16 bytes.
package struct NetworkAddress: Equatable, Sendable {
  package let bytes: [UInt8]

  /// The address of these bytes. An IPv6 address that embeds an IPv4 address becomes the IPv4
  /// address (RFC 4291 §2.5.5: compatible and mapped; RFC 6052: translated).
  init(bytes: [UInt8]) {
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
    let translated: [UInt8] = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]
    let isEmbedded =
      bytes.count == 16 && (bytes.starts(with: mapped) || bytes.starts(with: translated))
    self.bytes = isEmbedded ? Array(bytes.suffix(4)) : bytes
  }

  /// - Parameter text: an address for inet_pton(3); an IPv6 address may have brackets.
  package init?(_ text: String) {
    let plain =
      text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
    var bytes = [UInt8](repeating: 0, count: 16)
    if unsafe inet_pton(AF_INET, plain, &bytes) == 1 {
      self.init(bytes: Array(bytes.prefix(4)))
    } else if unsafe inet_pton(AF_INET6, plain, &bytes) == 1 {
      self.init(bytes: bytes)
    } else {
      return nil
    }
  }

  /// - Returns: nil for another address family.
  init?(socketAddress: UnsafePointer<sockaddr>) {
    let address = unsafe UnsafeRawPointer(socketAddress)
    switch unsafe Int32(socketAddress.pointee.sa_family) {
    case AF_INET:
      let address = unsafe address.load(as: sockaddr_in.self)
      self.init(bytes: unsafe withUnsafeBytes(of: address.sin_addr) { unsafe Array($0) })
    case AF_INET6:
      let address = unsafe address.load(as: sockaddr_in6.self)
      self.init(bytes: unsafe withUnsafeBytes(of: address.sin6_addr) { unsafe Array($0) })
    default: return nil
    }
  }

  /// The usual notation of the address.
  package var text: String {
    if bytes.count == 4 { return bytes.map { String($0) }.joined(separator: ".") }
    var bytes = bytes
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    unsafe inet_ntop(AF_INET6, &bytes, &text, socklen_t(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Whether the address is not public: this machine, a private network, or a special use (the
  /// registries of RFC 6890 with later additions).
  package var isPrivate: Bool {
    if bytes.count == 16 && !Self.global.contains(self) { return true }
    return Self.special.contains { $0.contains(self) }
  }

  /// All IPv6 space that IANA has allocated so far (RFC 4291 §2.4).
  private static let global = range([0x20] + zeros(15), 3)

  private static let special = [
    // RFC 791 this network, RFC 1918, RFC 6598 carriers, RFC 1122 loopback.
    range([0, 0, 0, 0], 8), range([10, 0, 0, 0], 8), range([100, 64, 0, 0], 10),
    range([127, 0, 0, 0], 8),
    // RFC 3927 link-local, where clouds have their metadata; RFC 1918.
    range([169, 254, 0, 0], 16), range([172, 16, 0, 0], 12), range([192, 168, 0, 0], 16),
    // RFC 6890 protocol assignments, RFC 5737 documentation, RFC 2544 benchmarks.
    range([192, 0, 0, 0], 24), range([192, 0, 2, 0], 24), range([198, 18, 0, 0], 15),
    range([198, 51, 100, 0], 24), range([203, 0, 113, 0], 24),
    // RFC 1112 multicast and reserved, including broadcast.
    range([224, 0, 0, 0], 3),
    // The metadata services of two clouds, which have public addresses.
    range([168, 63, 129, 16], 32), range([192, 0, 0, 192], 32),
    // RFC 4380 and RFC 3056: tunnels, which embed IPv4 addresses; RFC 3849 documentation.
    range([0x20, 0x01, 0, 0] + zeros(12), 32), range([0x20, 0x02] + zeros(14), 16),
    range([0x20, 0x01, 0x0d, 0xb8] + zeros(12), 32),
  ]

  private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

  private static func range(_ bytes: [UInt8], _ prefix: Int) -> NetworkRange {
    NetworkRange(start: NetworkAddress(bytes: bytes), prefix: prefix)
  }
}

/// A network: the addresses that begin with the same bits.
package struct NetworkRange: Equatable, Sendable {
  let start: NetworkAddress
  /// The length of the prefix, in bits.
  let prefix: Int
}

extension NetworkRange {
  /// - Parameter text: an address or a network, for example `10.0.0.0/8`.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let start = NetworkAddress(String(parts[0])) else { return nil }
    var prefix = start.bytes.count * 8
    if parts.count == 2 {
      guard let given = Int(parts[1]), (0...prefix).contains(given) else { return nil }
      prefix = given
    }
    self.init(start: start, prefix: prefix)
  }

  package func contains(_ address: NetworkAddress) -> Bool {
    guard address.bytes.count == start.bytes.count else { return false }
    for index in 0..<prefix {
      let bit = UInt8(0x80) >> UInt8(index % 8)
      if (address.bytes[index / 8] ^ start.bytes[index / 8]) & bit != 0 { return false }
    }
    return true
  }
}

/// The addresses that connections are allowed to.
package struct AddressPolicy: Equatable, Sendable {
  private var isOpen = false
  private var hosts: [String] = []
  private var ranges: [NetworkRange] = []

  /// Every address, for servers that the operator names.
  package static let all = AddressPolicy(isOpen: true)
  /// Only public addresses.
  package static let publicOnly = AddressPolicy()
}

extension AddressPolicy {
  /// The public addresses, and the private addresses of a list.
  ///
  /// - Parameter list: host names, addresses and networks, separated by commas; `*` means all.
  /// - Returns: nil where an entry is not valid.
  package init?(_ list: String) {
    for entry in list.split(separator: ",").map({ $0.filter { $0 != " " } }) {
      if entry == "*" {
        isOpen = true
      } else if let range = NetworkRange(entry) {
        ranges.append(range)
      } else if Self.isHostName(entry) {
        hosts.append(entry.lowercased())
      } else {
        return nil
      }
    }
  }

  /// - Parameter host: the host of the URL.
  package func allows(_ address: NetworkAddress, host: String) -> Bool {
    isOpen || !address.isPrivate || ranges.contains { $0.contains(address) }
      || hosts.contains(host.lowercased())
  }

  private static func isHostName(_ text: String) -> Bool {
    let isPlain = text.utf8.allSatisfy { $0.isAlphanumeric || "-._".utf8.contains($0) }
    // A final digit would be a mistyped address.
    return isPlain && (1...253).contains(text.utf8.count) && text.utf8.last?.isDigit == false
  }
}

/// A socket that child processes do not inherit; -1 on failure.
func newSocket(_ family: Int32, _ kind: Int32, _ protocol: Int32) -> Int32 {
  socket(family, kind | Int32(SOCK_CLOEXEC.rawValue), `protocol`)
}
