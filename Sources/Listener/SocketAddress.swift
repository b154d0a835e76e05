import Foundation
import HTTP

/// An address to listen on.
package struct SocketAddress: Sendable, Equatable, CustomStringConvertible {
  /// The bytes of a `sockaddr`.
  private let bytes: [UInt8]

  /// - Parameter bytes: a `sockaddr` from the system.
  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// Parses and resolves `HOST:PORT`: a host name or an address, IPv6 in brackets. Without a host
  /// it means all addresses of this machine. With port 0 the system chooses a port.
  ///
  /// - Returns: the addresses of the host: several if the name has IPv4 and IPv6 addresses.
  package static func resolve(_ text: String) throws(ListenerError) -> [SocketAddress] {
    let (host, port) = try split(text)
    var hints = unsafe addrinfo()
    unsafe hints.ai_family = AF_UNSPEC
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    var list: UnsafeMutablePointer<addrinfo>?
    let status = unsafe getaddrinfo(host.isEmpty ? nil : host, String(port), &hints, &list)
    guard status == 0 else {
      let reason = unsafe String(cString: gai_strerror(status))
      throw .unknownHost(host, reason: reason)
    }
    defer { unsafe freeaddrinfo(list) }
    var addresses: [SocketAddress] = []
    var next = unsafe list
    while let entry = unsafe next {
      let raw = unsafe UnsafeRawBufferPointer(
        start: entry.pointee.ai_addr, count: Int(entry.pointee.ai_addrlen))
      let address = unsafe SocketAddress(bytes: Array(raw))
      if !addresses.contains(address) { addresses.append(address) }
      unsafe next = entry.pointee.ai_next
    }
    guard !addresses.isEmpty else { throw .unknownHost(host, reason: "the host has no address") }
    return addresses
  }

  /// The address of a socket in the file system.
  ///
  /// - Returns: nil if the path with its terminating zero does not fit.
  init?(path: String) {
    let size = MemoryLayout<sockaddr_un>.size
    let pathOffset = MemoryLayout<sa_family_t>.size
    guard path.utf8.count < size - pathOffset, !path.utf8.contains(0) else { return nil }
    let family = sa_family_t(AF_UNIX)
    bytes = unsafe withUnsafeBytes(of: family) { unsafe Array($0) } + Array(path.utf8) + [0]
  }

  private static func split(_ text: String) throws(ListenerError) -> (host: String, port: UInt16) {
    guard let colon = text.lastIndex(of: ":") else { throw .invalidAddress(text) }
    let digits = text[text.index(after: colon)...]
    guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
      let port = UInt16(digits)
    else { throw .invalidAddress(text) }
    let host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      let address = host.dropFirst().dropLast()
      guard address.utf8.contains(0x3a) else { throw .invalidAddress(text) }
      return (String(address), port)
    }
    // Without brackets the end of an IPv6 address and its port are ambiguous.
    // Foundation's character sets would bring ICU into the binary.
    let stray = Array(":[]/ \0".utf8)
    guard host.utf8.allSatisfy({ !stray.contains($0) }) else { throw .invalidAddress(text) }
    return (String(host), port)
  }

  /// `AF_INET`, `AF_INET6` or `AF_UNIX`.
  var family: Int32 {
    Int32(bytes.count < 2 ? 0 : UInt16(littleEndian: UInt16(bytes[0]) | UInt16(bytes[1]) << 8))
  }

  /// The port of an internet address; 0 for a socket in the file system.
  package var port: Int {
    guard family == AF_INET || family == AF_INET6 else { return 0 }
    return Int(bytes[2]) << 8 | Int(bytes[3])
  }

  /// Whether the address means all IPv6 addresses of this machine.
  var isAnyIPv6: Bool {
    family == AF_INET6 && bytes[8..<24].allSatisfy { $0 == 0 }
  }

  package var description: String {
    switch family {
    case AF_INET:
      return bytes[4..<8].map(String.init).joined(separator: ".") + ":\(port)"
    case AF_INET6:
      var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
      let address = Array(bytes[8..<24])
      _ = unsafe inet_ntop(AF_INET6, address, &text, socklen_t(text.count))
      let name = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      return "[\(String(decoding: name, as: UTF8.self))]:\(port)"
    default:
      return String(decoding: bytes.dropFirst(2).prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>?, socklen_t) -> Result) -> Result {
    unsafe bytes.withUnsafeBytes { raw in
      unsafe body(raw.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count))
    }
  }
}

extension PeerAddress {
  /// The address of a client; nil where it has none, as over a socket in the file system.
  init?(_ storage: sockaddr_storage) {
    var storage = storage
    let bytes = unsafe withUnsafeBytes(of: &storage) { unsafe Array($0) }
    switch Int32(storage.ss_family) {
    case AF_INET:
      self.init(ipv4: bytes[4..<8].reduce(0) { $0 << 8 | UInt32($1) })
    case AF_INET6:
      self.init(ipv6: bytes[8..<24])
    default:
      return nil
    }
  }
}
