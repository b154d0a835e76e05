import Foundation
import HTTP
import Listener
import Testing

/// Keeps all bytes of a body, for the tenant in the path: `/keep/N`; `/keep/` for a stranger.
private final class KeepingReader: BodyReader {
  let tenant: Tenant?
  private var bytes: [UInt8] = []

  init?(_ head: RequestHead) {
    guard head.path.hasPrefix("/keep/") else { return nil }
    tenant = Int64(head.path.dropFirst(6)).map { .project($0, key: 0) }
  }

  var heldBytes: Int { bytes.count }

  func bytesNeeded(for bytes: Span<UInt8>) -> Int { bytes.count }

  func read(_ bytes: Span<UInt8>) -> BodyProgress {
    for index in bytes.indices { self.bytes.append(bytes[index]) }
    return .more(consumed: bytes.count)
  }

  func end() -> BodyProgress { .respond(Response(body: Array("\(bytes.count)".utf8))) }
}

extension ListenerTests {
  @Suite struct Room {
    private func server(_ change: (inout HTTPLimits) -> Void = { _ in }) throws -> TestServer {
      try TestServer(
        reader: { head, _, _ in KeepingReader(head) },
        limits: {
          $0.stallMilliseconds = 60_000
          change(&$0)
        },
        bytes: {
          $0.tenantBytes = 400_000
          $0.strangerBytes = 100_000
          $0.reserveBytes = 50_000
        })
    }

    private func begin(_ client: Client, _ tenant: String, _ count: Int, of length: Int) throws {
      try client.send(
        "POST /keep/\(tenant) HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n")
      try client.send(String(repeating: "a", count: count))
    }

    /// What one tenant holds keeps nobody else waiting, and its own small requests neither.
    @Test(arguments: ["", "1"])
    func unfinishedBodiesHoldUpNobody(tenant: String) throws {
      let server = try server()
      defer { server.stop() }
      let holders = try (0..<30).map { _ in try server.connect() }
      for holder in holders { try begin(holder, tenant, 30_000, of: 200_000) }
      waitUntil { server.listener.heldBytes > 50_000 }
      for other in ["", "1", "2"] {
        let client = try server.connect()
        for count in [1, 1000, 3000] {
          try begin(client, other, count, of: count)
          #expect(try client.answer().body == "\(count)")
        }
      }
      let other = try server.connect()
      try begin(other, "3", 40_000, of: 80_000)
      try other.send(String(repeating: "a", count: 40_000))
      #expect(try other.answer().body == "80000")
      #expect(server.listener.heldBytes <= 500_000)
    }

    @Test func whoWaitsForRoomGoesOn() throws {
      let server = try server()
      defer { server.stop() }
      let clients = try (0..<40).map { _ in try server.connect() }
      for client in clients { try begin(client, "1", 10_000, of: 40_000) }
      // The first ones end, and make room for those that wait.
      for client in clients { try client.send(String(repeating: "a", count: 30_000)) }
      for client in clients { #expect(try client.answer().body == "40000") }
      waitUntil { server.listener.heldBytes == 0 }
    }

    @Test func thoseThatStandStillGiveWay() throws {
      let server = try server { $0.stallMilliseconds = 400 }
      defer { server.stop() }
      let holders = try (0..<10).map { _ in try server.connect() }
      for holder in holders { try begin(holder, "1", 30_000, of: 200_000) }
      let client = try server.connect()
      // As a whole, so that a pause of this thread does not let it stand still, too.
      try begin(client, "1", 100_000, of: 100_000)
      let answer = try client.answer()
      #expect(answer.body == "100000", "\(answer)")
    }

    @Test func headsAreHeldWithinTheBudget() throws {
      let server = try server()
      defer { server.stop() }
      let holders = try (0..<60).map { _ in try server.connect() }
      for holder in holders {
        try holder.send("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 14_000))")
      }
      waitUntil { server.listener.heldBytes > 80_000 }
      let client = try server.connect()
      #expect(try client.get("/other").body == "GET /other")
      #expect(server.listener.heldBytes <= 100_000 + 60 * 4096)
    }

    /// An answer that is not read is held within the budget, or the connection ends.
    @Test func unreadAnswersAreHeldWithinTheBudget() throws {
      let server = try server()
      defer { server.stop() }
      let clients = try (0..<20).map { _ in try server.connect() }
      for client in clients {
        client.limitReceiveBuffer()
        try client.send("GET /big/3000000 HTTP/1.1\r\nHost: a\r\n\r\n")
      }
      waitUntil { server.listener.connectionCount == 0 }
      #expect(server.listener.heldBytes == 0)
      // One that is kept anyway costs nothing.
      let kept = try server.connect()
      try kept.send("GET /kept/3000000 HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try kept.answer().body.count == 3_000_000)
    }
  }

  /// What the system keeps of a connection counts as long as it keeps it.
  @Suite struct Endings {
    private let head = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    @Test func connectionsStayUntilTheirLastAnswerIsReceived() throws {
      let server = try TestServer()
      defer { server.stop() }
      let client = try server.connect()
      client.limitReceiveBuffer()
      try client.send("GET /big/60000\(head)")
      waitUntil { server.listener.connectionCount == 1 }
      usleep(50_000)
      #expect(server.listener.connectionCount == 1)
      #expect(try client.answer().body.count == 60_000)
      #expect(try client.isAtEnd())
      // Though the client does not close.
      waitUntil { server.listener.connectionCount == 0 }
    }

    /// The system would keep what was sent for minutes.
    @Test(arguments: [60_000, 3_000_000])
    func whatIsNotReadIsDropped(bytes: Int) throws {
      let server = try TestServer(limits: {
        $0.lingerMilliseconds = 50
        $0.writeStallMilliseconds = 50
        $0.unacknowledgedClosesMax = 0
      })
      defer { server.stop() }
      let client = try server.connect()
      client.limitReceiveBuffer()
      try client.send("GET /big/\(bytes)\(head)")
      waitUntil { server.listener.connectionCount == 1 }
      waitUntil { server.listener.connectionCount == 0 }
      #expect(throws: Client.Failure.self) { try client.drainToEnd() }
    }

    /// A client may read its answer only after it has sent its body, however large.
    @Test func refusedBodiesAreReadToTheirEnd() throws {
      let server = try TestServer()
      defer { server.stop() }
      let client = try server.connect()
      try client.send(request("/refuse", String(repeating: "a", count: 30 << 20)))
      #expect(try client.answer().status == 403)
      #expect(try client.isAtEnd())
    }

    /// However many refused clients go on, few of them are read.
    @Test func fewConnectionsLinger() throws {
      let server = try TestServer(limits: { $0.lingeringMax = 2 })
      defer { server.stop() }
      let clients = try (0..<5).map { _ in try server.connect() }
      for client in clients {
        try client.send("x x x\r\n\r\n")
        #expect(try client.answer().status == 400)
      }
      waitUntil { server.listener.connectionCount == 2 }
      withExtendedLifetime(clients) {}
    }
  }

  @Suite struct Crowds {
    /// Idle connections make room for new ones, and those with accepted requests go last.
    @Test func idleConnectionsMakeRoom() throws {
      let server = try TestServer(
        reader: { head, _, _ in KeepingReader(head) },
        limits: {
          $0.connectionsMax = 40
          $0.newMilliseconds = 0
        })
      defer { server.stop() }
      let honest = try (0..<5).map { _ in try server.connect() }
      for client in honest {
        try client.send("POST /keep/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na")
        #expect(try client.answer().status == 200)
      }
      let begun = try server.connect()
      try begun.send("POST /keep/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na")
      var idle: [Client] = []
      for _ in 0..<200 {
        let client = try server.connect()
        #expect(try client.get("/x").status == 200)
        idle.append(client)
      }
      #expect(server.listener.connectionCount <= 40)
      for client in honest {
        try client.send("POST /keep/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na")
        #expect(try client.answer().status == 200)
      }
      try begun.send("a")
      #expect(try begun.answer().body == "2")
    }

    /// Where all connections were accepted, too, and where none is idle when the next one comes.
    @Test func acceptedConnectionsMakeRoomAtLast() throws {
      let server = try TestServer(
        reader: { head, _, _ in KeepingReader(head) },
        limits: {
          $0.connectionsMax = 8
          $0.newMilliseconds = 20
        })
      defer { server.stop() }
      let first = try (0..<8).map { _ in try server.connect() }
      for client in first {
        try client.send("POST /keep/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")
      }
      waitUntil { server.listener.connectionCount == 8 }
      let next = try server.connect()
      try next.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
      for client in first {
        try client.send("a")
        #expect(try client.answer().status == 200)
      }
      #expect(try next.answer().body == "GET /next")
    }

    /// Where no connection is idle, heads, bodies and answers that stand still make room: those of
    /// strangers first, one for each new client.
    @Test func thoseThatStandStillMakeRoomAtLast() throws {
      let server = try TestServer(
        reader: { head, _, _ in KeepingReader(head) },
        limits: {
          $0.connectionsMax = 4
          $0.crowdedStallMilliseconds = 1000
        })
      defer { server.stop() }
      func begin(_ text: String) throws -> Client {
        let count = server.listener.connectionCount
        let client = try server.connect()
        client.limitReceiveBuffer()
        try client.send(text)
        waitUntil { server.listener.connectionCount > count }
        return client
      }
      let fields = "HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"
      let accepted = try begin("POST /keep/1 \(fields)a")
      let head = try begin("GET /")
      let body = try begin("POST /keep/ \(fields)a")
      let deaf = try begin("GET /kept/3000000 HTTP/1.1\r\nHost: a\r\n\r\n")
      let start = milliseconds()
      var all = [accepted]
      for still in [head, body] {
        let client = try server.connect()
        try client.send("POST /keep/1 \(fields)a")
        all.append(client)
        #expect(try still.answer().status == 408)
        #expect(milliseconds() - start >= 900)
      }
      #expect(try server.connect().get("/x").status == 200)
      #expect(throws: Client.Failure.self) { try deaf.drainToEnd() }
      for client in all {
        try client.send("a")
        #expect(try client.answer().body == "2")
      }
    }

    @Test func strangersLoseTheirConnectionWithTheAnswer() throws {
      let server = try TestServer(limits: { $0.connectionsMax = 16 })
      defer { server.stop() }
      let silent = try (0..<14).map { _ in try server.connect() }
      waitUntil { server.listener.connectionCount == 14 }
      let client = try server.connect()
      #expect(try client.get("/x").fields["Connection"] == "close")
      withExtendedLifetime(silent) {}
    }

    @Test(arguments: [(64, 20, 4), (1024, 880, 16), (20_000, 10_000, 16), (50, 7, 3)])
    func theLimitFollowsTheSystem(descriptors: Int, connections: Int, control: Int) {
      let limit = ConnectionLimit(HTTPLimits(), descriptors: descriptors)
      #expect(limit.connections == connections && limit.controlConnections == control)
    }
  }

  @Suite struct Departures {
    /// A client that closed its socket after the request is noticed; one that only closed its
    /// sending side gets its answer.
    @Test func clientsThatHungUpAreNoticed() throws {
      let server = try TestServer(limits: { $0.probeMilliseconds = 20 })
      defer { server.stop() }
      let (gone, waiting) = (try server.connect(), try server.connect())
      try gone.send("GET /pending-now HTTP/1.1\r\nHost: a\r\n\r\n")
      waitUntil { server.exchanges.pending.count == 1 }
      try waiting.send("GET /pending-now HTTP/1.1\r\nHost: a\r\n\r\n")
      waitUntil { server.exchanges.pending.count == 2 }
      waiting.closeWriting()
      gone.hangUp()
      waitUntil { server.exchanges.abandoned.count == 1 }
      #expect(server.exchanges.abandoned == [server.exchanges.pending[0]])
      waitUntil { server.listener.connectionCount == 1 }
      #expect(try waiting.answer().status == 100)
      server.listener.respond(Response(body: [0x61]), to: [server.exchanges.pending[1]])
      #expect(try waiting.answer().body == "a")
    }
  }
}
