import Foundation
import HTTP
import Listener
import Testing

extension ListenerTests {
  @Suite struct Deadlines {
    @Test func slowHeadsAreTimedOut() throws {
      let server = try TestServer(limits: { $0.headDeadlineMilliseconds = 50 })
      defer { server.stop() }
      let client = try server.connect()
      try client.send("GET / HTTP/1.1\r\nHost:")
      let answer = try client.answer()
      #expect(answer.status == 408 && answer.fields["Connection"] == "close")
      client.closeWriting()
      #expect(try client.isAtEnd())

      // The same for the second request of a connection, even if bytes keep coming.
      let dripping = try server.connect()
      #expect(try dripping.get("/").status == 200)
      let start = milliseconds()
      var isAnswered = false
      dripping.setTimeout(milliseconds: 10)
      try dripping.send("GET /")
      while !isAnswered, milliseconds() < start + 5000 {
        _ = dripping.sendSome(Array("a".utf8)[...])
        isAnswered = (try? dripping.answer().status) == 408
      }
      #expect(isAnswered)
      #expect(milliseconds() - start >= 45)
    }

    @Test func silentConnectionsAreClosed() throws {
      let server = try TestServer(limits: {
        $0.headDeadlineMilliseconds = 50
        $0.idleDeadlineMilliseconds = 100
      })
      defer { server.stop() }
      let silent = try server.connect()
      #expect(try silent.isAtEnd())

      let idle = try server.connect()
      #expect(try idle.get("/").status == 200)
      let start = milliseconds()
      #expect(try idle.isAtEnd())
      #expect(milliseconds() - start >= 95)
    }

    @Test func slowBodiesAreTimedOut() throws {
      let server = try TestServer(limits: {
        $0.bodyGraceMilliseconds = 50
        $0.bodyBytesPerSecondMin = 1000
      })
      defer { server.stop() }
      let client = try server.connect()
      let start = milliseconds()
      try client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
      try client.send(String(repeating: "x", count: 100))
      #expect(try client.answer().status == 408)
      // The grace time, and the time that the received bytes allow.
      #expect(milliseconds() - start >= 145)
      #expect(server.exchanges.abandoned.count == 1)

      let pending = try server.connect()
      try pending.send("POST /pending-now HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
      #expect(try pending.answer().status == 408)
      #expect(server.exchanges.abandoned.count == 2)
    }

    @Test func theTimeoutPausesWhileTheBodyWaitsForTheServer() throws {
      final class BlockedOnce: BodyReader {
        var isBlocked = true
        func read(_ bytes: Span<UInt8>) -> BodyProgress {
          defer { isBlocked = false }
          return isBlocked ? .blocked : .more(consumed: bytes.count)
        }
        func end() -> BodyProgress { .respond(Response(status: 201)) }
      }
      let server = try TestServer(
        reader: { head, _, _ in head.path == "/blocked" ? BlockedOnce() : nil },
        limits: {
          $0.bodyGraceMilliseconds = 20
          $0.idleDeadlineMilliseconds = 20
          $0.headDeadlineMilliseconds = 20
        })
      defer { server.stop() }
      let pending = try server.connect()
      try pending.send(request("/pending", "x"))
      let blocked = try server.connect()
      try blocked.send(request("/blocked", "x"))
      // Other connections time out one after the other while these wait.
      for _ in 0..<5 { #expect(try server.connect().isAtEnd()) }
      server.listener.resumeBlocked()
      #expect(try blocked.answer().status == 201)
      server.listener.respond(Response(status: 202), to: server.exchanges.pending)
      #expect(try pending.answer().status == 202)
    }

    @Test func clientsThatDoNotReadAreClosed() throws {
      let server = try TestServer(limits: { $0.writeStallMilliseconds = 100 })
      defer { server.stop() }
      let client = try server.connect()
      let count = 64 << 20
      try client.send("GET /big/\(count) HTTP/1.1\r\nHost: a\r\n\r\n")
      // The client does not read until the server has given up and accepts no more.
      client.setTimeout(milliseconds: 5000)
      let request = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
      let end = milliseconds() + 5000
      while client.sendSome(request[...]) > 0, milliseconds() < end { usleep(1000) }
      #expect(milliseconds() < end)
      let received = (try? client.drainToEnd()) ?? 0
      #expect(received < count)
    }

    @Test func lingeringEnds() throws {
      let server = try TestServer(limits: { $0.lingerMilliseconds = 50 })
      defer { server.stop() }
      let client = try server.connect()
      try client.send("x x x\r\n\r\n")
      #expect(try client.answer().status == 400)
      #expect(try client.isAtEnd())
      // The client does not close. After a while the server accepts no more of its bytes.
      let end = milliseconds() + 5000
      while client.sendSome([1]) > 0, milliseconds() < end { usleep(1000) }
      #expect(milliseconds() < end)
    }

    @Test func connectionsBeyondTheLimitWait() throws {
      let server = try TestServer(limits: { $0.connectionsMax = 2 })
      defer { server.stop() }
      // Requests have begun, so none of them makes room.
      var first: Client? = try server.connect()
      try first?.send("GET ")
      let second = try server.connect()
      try second.send("GET ")
      waitUntil { server.listener.connectionCount == 2 }
      let third = try server.connect()
      third.setTimeout(milliseconds: 50)
      #expect(throws: Client.Failure.self) { try third.get("/3") }
      first = nil
      third.setTimeout(milliseconds: 5000)
      #expect(try third.answer().body == "GET /3")
    }
  }

  @Suite struct Draining {
    @Test func finishesReceivedRequests() throws {
      let server = try TestServer()
      let idle = try server.connect()
      #expect(try idle.get("/").status == 200)
      let pending = try server.connect()
      try pending.send(request("/pending", "x"))
      waitUntil { server.exchanges.pending.count == 1 }
      let reading = try server.connect()
      try reading.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      _ = try reading.answer()
      try reading.send("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo")
      let silent = try server.connect()
      // Sent after it, so that all of these arrived before the drain.
      #expect(try server.connect().get("/").status == 200)

      server.listener.drain(deadlineMilliseconds: 5000)
      #expect(try idle.isAtEnd())
      #expect(try silent.isAtEnd())
      #expect(throws: Client.Failure.self) { try server.connect() }
      #expect(server.isRunning)
      try reading.send("dy")
      let read = try reading.answer()
      #expect(read.body == "POST /p body" && read.fields["Connection"] == "close")
      #expect(try reading.isAtEnd())
      server.listener.respond(Response(status: 202), to: server.exchanges.pending)
      let answer = try pending.answer()
      #expect(answer.status == 202 && answer.fields["Connection"] == "close")
      #expect(try pending.isAtEnd())
      waitUntil { !server.isRunning }
      #expect(server.exchanges.abandoned.isEmpty)
      // A late answer does no harm.
      server.listener.respond(Response(), to: server.exchanges.pending)
      server.listener.drain(deadlineMilliseconds: 0)
    }

    @Test func closesTheRestAtTheDeadline() throws {
      let server = try TestServer()
      let client = try server.connect()
      try client.send(request("/pending", "x"))
      waitUntil { server.exchanges.pending.count == 1 }
      server.listener.drain(deadlineMilliseconds: 5000)
      server.listener.drain(deadlineMilliseconds: 30)
      #expect(try client.isAtEnd())
      waitUntil { !server.isRunning }
      #expect(server.exchanges.abandoned == server.exchanges.pending)
    }

    @Test func acceptsRequestsThatWaitInTheBacklog() throws {
      // Some requests are on open connections, and more than one round accepts are on connections
      // in the backlog. All are sent before the drain, while the loop is blocked.
      let server = try TestServer { head, _, _ in
        head.path == "/hold"
          ? CollectingReader { _ in
            usleep(100_000)
            return .respond(Response())
          } : nil
      }
      let open = try (0..<10).map { _ in try server.connect() }
      for client in open { #expect(try client.get("/").status == 200) }
      let holding = try server.connect()
      try holding.send(request("/hold", "x"))
      usleep(20_000)
      let fresh = try (0..<200).map { _ in try server.connect() }
      for client in open + fresh { try client.send("GET /waiting HTTP/1.1\r\nHost: a\r\n\r\n") }
      server.listener.drain(deadlineMilliseconds: 5000)
      for client in open + fresh {
        let answer = try client.answer()
        #expect(answer.body == "GET /waiting" && answer.fields["Connection"] == "close")
      }
      waitUntil { !server.isRunning }
    }

    @Test func leavesNoDescriptorOpen() throws {
      func round() throws {
        let path = "/tmp/hale-\(getpid())-leak.sock"
        let server = try TestServer(controlPath: path)
        var clients = try (0..<20).map { _ in try server.connect() }
        clients.append(try Client(path: path))
        for client in clients { #expect(try client.get("/").status == 200) }
        try clients[0].send(request("/pending", "x"))
        try clients[1].send("nonsense\r\n\r\n")
        clients[2].reset()
        clients.removeLast(5)
        server.stop(deadlineMilliseconds: 50)
      }
      // Descriptors that the first server leaves open belong to the libraries.
      try round()
      let before = try openSockets()
      for _ in 0..<3 { try round() }
      waitUntil { (try? openSockets()) == before }
    }
  }
}
