import Testing

@testable import Outbound

@Suite struct AddressTests {
  @Test(arguments: [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.127.255.255", "224.0.0.1", "255.255.255.255",
    "168.63.129.16", "192.0.0.192", "198.18.0.1", "192.0.2.1", "203.0.113.9",
    "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.1.2.3", "::127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001::1", "2001:db8::1",
  ])
  func privateAddresses(text: String) throws {
    let address = try #require(NetworkAddress(text))
    #expect(address.isPrivate)
    #expect(!AddressPolicy.publicOnly.allows(address, host: "example.com"))
    #expect(AddressPolicy.all.allows(address, host: "example.com"))
  }

  @Test(arguments: [
    "1.1.1.1", "9.255.255.255", "11.0.0.0", "172.15.0.1", "172.32.0.1", "192.167.1.1", "100.63.0.1",
    "100.128.0.1", "169.253.0.1", "223.255.255.255", "2606:4700::1111", "::ffff:8.8.8.8",
    "64:ff9b::808:808", "2a00:1450:4001::1",
  ])
  func publicAddresses(text: String) throws {
    let address = try #require(NetworkAddress(text))
    #expect(!address.isPrivate)
    #expect(AddressPolicy.publicOnly.allows(address, host: "example.com"))
  }

  @Test func aListAllowsWhatItNames() throws {
    let policy = try #require(AddressPolicy("10.1.0.0/16, Alerts.internal,::1,192.168.1.7"))
    func allows(_ text: String, _ host: String) throws -> Bool {
      policy.allows(try #require(NetworkAddress(text)), host: host)
    }
    #expect(try allows("10.1.255.1", "a.example.com"))
    #expect(try !allows("10.2.0.1", "a.example.com"))
    #expect(try allows("::ffff:10.1.0.1", "a.example.com"))
    #expect(try allows("10.2.0.1", "alerts.INTERNAL"))
    #expect(try !allows("10.2.0.1", "x.alerts.internal"))
    #expect(try allows("::1", "a") && !allows("127.0.0.1", "a"))
    #expect(try allows("192.168.1.7", "a") && !allows("192.168.1.8", "a"))
    #expect(try #require(AddressPolicy("*")).allows(#require(NetworkAddress("::1")), host: ""))
    #expect(AddressPolicy("") == .publicOnly)
  }

  @Test(arguments: [
    "10.0.0.0/33", "::/129", "10.0.0", "a b/", "http://a", "10.0.0.0/x", "10.0.0.0/8/8",
  ])
  func invalidLists(text: String) {
    #expect(AddressPolicy(text) == nil)
  }

  @Test func hostsOfURLs() {
    #expect(OutboundClient.host(of: "https://user:p@a.example:8443/x@y?z") == "a.example")
    #expect(OutboundClient.host(of: "http://[::1]:80/") == "::1")
    #expect(OutboundClient.host(of: "http://a?b") == "a")
  }
}
