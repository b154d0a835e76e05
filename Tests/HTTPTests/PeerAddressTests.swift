import HTTP
import Testing

@Suite struct PeerAddressTests {
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1"), (" 192.0.2.1:8080 ", "192.0.2.1"),
    ("\"[2001:db8::1]:80\"", "2001:db8::1"),
    ("2001:DB8:0:0::1", "2001:db8::1"), ("::ffff:192.0.2.1", "192.0.2.1"),
    ("fe80::1%eth0", "fe80::1"),
    ("::", "::"), ("0.0.0.0", "0.0.0.0"),
  ])
  func parsesAsProxiesWriteIt(text: String, shown: String) {
    #expect(PeerAddress(text)?.description == shown)
  }

  @Test(arguments: [
    "", "unknown", "_hidden", "192.0.2", "192.0.2.256", "1:2:3", "[::1", "a.example",
  ])
  func refusesOthers(text: String) {
    #expect(PeerAddress(text) == nil)
  }

  @Test func prefixes() throws {
    let ipv4 = try #require(PeerAddress("192.0.2.77"))
    let ipv6 = try #require(PeerAddress("2001:db8:1:2:3:4:5:6"))
    #expect(ipv4.customer == ipv4)
    #expect(ipv6.customer.description == "2001:db8:1:2::")
    #expect(ipv4.truncated.description == "192.0.2.0")
    #expect(ipv6.truncated.description == "2001:db8:1::")
    #expect(ipv6.prefix(0).description == "::" && ipv6.prefix(128) == ipv6)
    #expect(ipv6.prefix(72).description == "2001:db8:1:2::" && ipv4.prefix(97) != ipv4)
  }

  @Test func loopback() {
    for text in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
      #expect(PeerAddress(text)?.isLoopback == true)
    }
    for text in ["128.0.0.1", "::2", "::", "2001::1"] {
      #expect(PeerAddress(text)?.isLoopback == false)
    }
  }
}

@Suite struct TrustedProxiesTests {
  @Test(arguments: [
    // No proxy is trusted: the sender counts.
    ("", "10.0.0.1", "203.0.113.9", "10.0.0.1"),
    // What a client wrote itself stands further left.
    ("10.0.0.0/8", "10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
    ("10.0.0.0/8", "10.0.0.1", "1.1.1.1, 203.0.113.9, 10.2.3.4", "203.0.113.9"),
    ("10.0.0.0/8", "192.0.2.1", "1.1.1.1", "192.0.2.1"),
    ("10.0.0.0/8, ::1", "::1", "2001:db8::7", "2001:db8::7"),
    ("10.0.0.0/8", "10.0.0.1", "", "10.0.0.1"),
    ("10.0.0.0/8", "10.0.0.1", "unknown", "10.0.0.1"),
    ("10.0.0.0/8", "10.0.0.1", "10.0.0.2", "10.0.0.2"),
    ("  ", "10.0.0.1", "1.1.1.1", "10.0.0.1"),
  ])
  func client(proxies: String, sender: String, forwarded: String, expected: String) throws {
    let trusted = try #require(TrustedProxies(proxies))
    let head = RequestHead(headers: forwarded.isEmpty ? [:] : ["X-Forwarded-For": forwarded])
    let client = trusted.client(of: head, from: try #require(PeerAddress(sender)))
    #expect(client.description == expected)
  }

  @Test func readsSeveralFieldsFromTheLast() throws {
    var headers = Headers()
    headers.add("X-Forwarded-For", "1.1.1.1")
    headers.add("X-Forwarded-For", "203.0.113.9")
    let client = try #require(TrustedProxies("127.0.0.1")).client(
      of: RequestHead(headers: headers), from: try #require(PeerAddress("127.0.0.1")))
    #expect(client.description == "203.0.113.9")
  }

  @Test(arguments: [
    "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "example.com", "10.0.0.0/8/8", "::/129", "0.0.0.0/0",
    "::/0", "10.0.0.1,", ",",
    "10.0.0.1,,10.0.0.2",
  ])
  func refusesOthers(text: String) {
    #expect(TrustedProxies(text) == nil)
  }
}
