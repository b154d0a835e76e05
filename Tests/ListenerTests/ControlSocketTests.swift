import Foundation
import HTTP
import Listener
import Testing

extension ListenerTests {
  @Suite struct ControlSocket {
    private func directory() throws -> String {
      let path = "/tmp/hale-\(getpid())-\(UInt32.random(in: 0 ... .max))"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      return path
    }

    @Test func onlyTheOwnerCanConnectAndRequestsAreMarked() throws {
      let directory = try directory()
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let path = "\(directory)/control"
      let server = try TestServer(limits: { $0.connectionsMax = 1 }, controlPath: path)
      var status = stat()
      unsafe lstat(path, &status)
      #expect(status.st_mode == S_IFSOCK | 0o600)
      #expect(try server.connect().get("/a").body == "GET /a")
      let holding = try server.connect()
      #expect(try holding.get("/a").body == "GET /a")
      // The limit of connections does not apply to the operator.
      #expect(try Client(path: path).get("/a").body == "GET /a control")
      #expect(try Client(path: path).post("/a", "b").body == "POST /a control b")

      // Another server cannot replace a listening one.
      #expect(throws: ListenerError.controlPathInUse(path)) {
        try TestServer(controlPath: path)
      }
      #expect(try Client(path: path).get("/a").body == "GET /a control")
      server.stop()
      #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func replacesAStaleSocketOnly() throws {
      let directory = try directory()
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let path = "\(directory)/control"
      let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
      let bound = unsafe withUnsafeBytes(of: &address) { raw in
        unsafe bind(
          stale, raw.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count))
      }
      #expect(bound == 0)
      close(stale)
      let server = try TestServer(controlPath: path)
      #expect(try Client(path: path).get("/a").body == "GET /a control")
      server.stop()

      #expect(FileManager.default.createFile(atPath: path, contents: nil))
      #expect(throws: ListenerError.controlPathIsNoSocket(path)) {
        try TestServer(controlPath: path)
      }
      #expect(FileManager.default.fileExists(atPath: path))
    }

    @Test func longPathsWork() throws {
      let directory = try directory()
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let deep = directory + "/" + String(repeating: "d", count: 120)
      try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
      let path = "\(deep)/control"
      let server = try TestServer(controlPath: path)
      let link = "\(directory)/link"
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: deep)
      #expect(try Client(path: "\(link)/control").get("/a").body == "GET /a control")
      #expect(throws: ListenerError.controlPathInUse(path)) {
        try TestServer(controlPath: path)
      }
      server.stop()
      #expect(!FileManager.default.fileExists(atPath: path))

      let tooLong = "\(directory)/" + String(repeating: "n", count: 120)
      #expect(throws: ListenerError.controlPathTooLong(tooLong)) {
        try TestServer(controlPath: tooLong)
      }
      #expect(throws: ListenerError.self) { try TestServer(controlPath: "\(directory)/no/control") }
    }
  }

  @Suite struct Addresses {
    static let good: [(String, String)] = [
      ("127.0.0.1:8787", "127.0.0.1:8787"),
      ("0.0.0.0:0", "0.0.0.0:0"),
      ("[::1]:8787", "[::1]:8787"),
      ("[2001:db8::1]:65535", "[2001:db8::1]:65535"),
    ]

    @Test(arguments: good)
    func readsAddresses(_ text: String, _ expected: String) throws {
      #expect(try SocketAddress(text).description == expected)
    }

    @Test(arguments: [
      "", "127.0.0.1", "127.0.0.1:", ":", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
      "127.0.0.1:+1", "::1:80", "[::1]", "[::1]80", "[127.0.0.1]:80", "http://a:80", "a b:80",
    ])
    func refusesOthers(_ text: String) {
      #expect(throws: ListenerError.invalidAddress(text)) { try SocketAddress(text) }
    }

    @Test func resolvesNames() throws {
      let addresses = try SocketAddress.resolve("localhost:80").map(\.description)
      #expect(addresses.contains("127.0.0.1:80") || addresses.contains("[::1]:80"))
      #expect(try !SocketAddress.resolve(":80").isEmpty)
      #expect(throws: ListenerError.self) { try SocketAddress.resolve("no-such-host.invalid:80") }
    }

    @Test func theErrorNamesTheAddressInUse() throws {
      let server = try TestServer()
      defer { server.stop() }
      let taken = server.listener.boundAddresses[0]
      #expect(taken.port > 0)
      let configuration = Listener.Configuration(
        addresses: [taken], monotonicNow: milliseconds, wallSeconds: { 0 })
      let error = #expect(throws: ListenerError.self) { try Listener(configuration) }
      #expect(error?.description.hasPrefix("\(taken): bind: ") == true)
    }
  }
}
