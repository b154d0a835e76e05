/// The proxies in front whose word about the address of a client is believed.
package struct TrustedProxies: Equatable, Sendable {
  /// A range of addresses.
  private struct Network: Equatable {
    var address: PeerAddress
    /// The length of the prefix of an IPv6 address.
    var bits: Int
  }

  private var networks: [Network] = []

  /// No proxy is trusted.
  package init() {}

  /// Parses addresses and networks, separated by commas: `10.0.0.0/8, 2001:db8::/32, 192.0.2.7`.
  ///
  /// - Returns: nil where one of them is malformed, or is every address there is: then any client
  ///   could give itself any address.
  package init?(_ text: String) {
    if text.allSatisfy({ $0 == " " }) { return }
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let pieces = part.split(separator: "/", omittingEmptySubsequences: false)
      guard pieces.count <= 2, let address = PeerAddress(pieces[0]) else { return nil }
      let bitsMax = address.isIPv4 ? 32 : 128
      var bits = bitsMax
      if pieces.count == 2 {
        guard let number = Int(pieces[1].filter { $0 != " " }), (1...bitsMax).contains(number)
        else { return nil }
        bits = number
      }
      if address.isIPv4 { bits += 96 }
      networks.append(Network(address: address.prefix(bits), bits: bits))
    }
  }

  package var isEmpty: Bool { networks.isEmpty }

  package func contains(_ address: PeerAddress) -> Bool {
    networks.contains { address.prefix($0.bits) == $0.address }
  }

  /// The client of a request: the sender, or the last address in `X-Forwarded-For` that is none of
  /// the proxies. Each proxy appends the address that it saw, so only what the trusted ones wrote
  /// can be believed.
  package func client(of head: RequestHead, from sender: PeerAddress) -> PeerAddress {
    var client = sender
    for value in head.headers.all("X-Forwarded-For").reversed() {
      for part in value.split(separator: ",").reversed() {
        guard contains(client) else { return client }
        guard let address = PeerAddress(part) else { return client }
        client = address
      }
    }
    return client
  }
}
