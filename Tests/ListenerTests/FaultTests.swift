import Foundation
import HTTP
import Listener
import Testing

extension ListenerTests {
  /// System calls that fail, each in turn.
  @Suite struct Faults {
    /// A visit that uses every call: small, large and pending answers, bodies in both framings.
    private func visit(_ server: TestServer) throws {
      let client = try server.connect()
      #expect(try client.get("/a").body == "GET /a")
      #expect(try client.post("/p", "body").body == "POST /p body")
      try client.send(request("/pending", "x"))
      waitUntil { server.exchanges.pending.count == 1 }
      server.listener.respond(Response(status: 202), to: server.exchanges.takePending())
      #expect(try client.answer().status == 202)
      try client.send(
        "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "5\r\nhello\r\n0\r\n\r\n")
      #expect(try client.answer().body == "POST /c hello")
      #expect(try client.get("/big/1000").body.utf8.count == 1000)
      try client.send("nonsense\r\n\r\n")
      #expect(try client.answer().status == 400)
    }

    @Test(arguments: Syscalls.Operation.allCases)
    func interruptedCallsAreMadeAgain(_ operation: Syscalls.Operation) throws {
      let faults = SyscallFaults()
      for call in 0..<3 {
        faults.plan(.error(EINTR), operation, calls: call * 5..<call * 5 + 3)
      }
      let path = "/tmp/hale-\(getpid())-fault.sock"
      let server = try TestServer(faults: faults, controlPath: path)
      defer { server.stop() }
      try visit(server)
      #expect(try Client(path: path).get("/a").body == "GET /a control")
    }

    @Test(arguments: [1, 2, 7])
    func shortReadsAndWritesLoseNothing(_ bytesMax: Int) throws {
      let faults = SyscallFaults()
      faults.plan(.short(bytesMax), .receive, calls: 0..<Int.max)
      faults.plan(.short(bytesMax), .send, calls: 0..<Int.max)
      let server = try TestServer(faults: faults)
      defer { server.stop() }
      try visit(server)
    }

    @Test(arguments: [Syscalls.Operation.receive, .send, .accept])
    func callsThatWouldBlockAreMadeLater(_ operation: Syscalls.Operation) throws {
      let faults = SyscallFaults()
      let server = try TestServer(faults: faults)
      defer { server.stop() }
      for call in 0..<10 {
        faults.plan(.error(EAGAIN), operation, calls: call * 3..<call * 3 + 2)
      }
      try visit(server)
      #expect(faults.count(operation) > 3)
    }

    @Test func aFailingConnectionIsClosedAlone() throws {
      // Fails each call of each kind during a request in turn.
      for operation in [Syscalls.Operation.receive, .send, .pollerControl, .shutdown] {
        for call in 0..<4 {
          let faults = SyscallFaults()
          let server = try TestServer(faults: faults)
          let other = try server.connect()
          #expect(try other.get("/other").status == 200)
          faults.plan(.error(ECONNRESET), operation, calls: call..<call + 1)
          for _ in 0..<2 {
            // The request works, or the connection ends.
            guard let client = try? server.connect() else { continue }
            _ = try? client.get("/big/5000000")
            _ = try? client.post("/p", "body")
            try? client.send("nonsense\r\n\r\n")
            _ = try? client.answer()
          }
          faults.clear()
          #expect(try other.get("/other").status == 200)
          try visit(server)
          server.stop()
        }
      }
    }

    @Test(arguments: [EMFILE, ENFILE, ENOMEM, ENOBUFS])
    func withoutDescriptorsAcceptingPauses(_ code: Int32) throws {
      let faults = SyscallFaults()
      let server = try TestServer(limits: { $0.acceptPauseMilliseconds = 50 }, faults: faults)
      defer { server.stop() }
      // A request has begun, so this one makes no room.
      var open: Client? = try server.connect()
      try open?.send("GET ")
      waitUntil { server.listener.connectionCount == 1 }
      faults.plan(.error(code), .accept, calls: 0..<3)
      let waits = faults.count(.pollerWait)
      let start = milliseconds()
      let client = try server.connect()
      try client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try client.answer().body == "GET /late")
      // Three pauses, in which the loop slept.
      #expect(milliseconds() - start >= 130)
      #expect(faults.count(.pollerWait) - waits < 30)

      // A connection that closes ends the pause.
      faults.plan(.error(code), .accept, calls: 0..<1)
      let next = try server.connect()
      try next.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
      open = nil
      #expect(try next.answer().body == "GET /next")
    }

    @Test(arguments: [ECONNABORTED, EPROTO, ENETDOWN])
    func errorsOfOneConnectionAtAcceptAreIgnored(_ code: Int32) throws {
      let faults = SyscallFaults()
      let server = try TestServer(
        limits: { $0.acceptPauseMilliseconds = 1_000_000 }, faults: faults)
      defer { server.stop() }
      faults.plan(.error(code), .accept, calls: 0..<3)
      #expect(try server.connect().get("/a").status == 200)
    }

    @Test func setUpThatFailsLeavesNothingOpen() throws {
      let path = "/tmp/hale-\(getpid())-setup.sock"
      try TestServer(controlPath: path).stop()
      let before = try openSockets()
      let operations: [Syscalls.Operation] = [
        .socket, .setsockopt, .bind, .listen, .getsockname, .pollerCreate, .pollerControl, .eventfd,
        .open, .fileStatus, .changeMode,
      ]
      for operation in operations {
        for call in 0..<2 {
          let faults = SyscallFaults()
          faults.plan(.error(EACCES), operation, calls: call..<call + 1)
          guard let server = try? TestServer(faults: faults, controlPath: path) else { continue }
          #expect(faults.count(operation) <= call + 1)
          server.stop()
        }
      }
      waitUntil { (try? openSockets()) == before }
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }
}
