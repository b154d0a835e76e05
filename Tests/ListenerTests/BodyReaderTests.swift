import Foundation
import HTTP
import Listener
import Locks
import Testing

/// The next behaviour of a reader that works in small steps; set by the test.
private final class Gate: Sendable {
  private let state = Locked<(isShut: Bool, reads: Int, blocks: Int)>((false, 0, 0))

  var isShut: Bool {
    get { state.withLock { $0.isShut } }
    set { state.withLock { $0.isShut = newValue } }
  }
  var reads: Int { state.withLock { $0.reads } }
  var blocks: Int { state.withLock { $0.blocks } }

  func addRead() { state.withLock { $0.reads += 1 } }
  func addBlock() { state.withLock { $0.blocks += 1 } }
}

/// A body in which each byte depends on its offset, so that lost and repeated bytes are detected.
private let pattern = (0..<(1 << 20) + 256).map { UInt8(truncatingIfNeeded: $0) }

/// Consumes a little at a time, sometimes has more work, blocks at a closed gate, and answers with
/// the number of bytes and of misplaced slices.
private final class SteppingReader: BodyReader {
  private let gate: Gate
  private let stepBytes: Int
  private var count = 0
  private var misplaced = 0
  private var steps = 0
  private var ends = 0

  init(_ gate: Gate, stepBytes: Int) {
    self.gate = gate
    self.stepBytes = stepBytes
  }

  func read(_ bytes: Span<UInt8>) -> BodyProgress {
    gate.addRead()
    if gate.isShut {
      gate.addBlock()
      return .blocked
    }
    let taken = min(bytes.count, stepBytes)
    if taken > 0 {
      let first = UInt8(truncatingIfNeeded: count)
      let last = UInt8(truncatingIfNeeded: count + taken - 1)
      if bytes[0] != first || bytes[taken - 1] != last { misplaced += 1 }
    }
    count += taken
    steps += 1
    // Every third step has more work, even if it consumed everything.
    return steps % 3 == 0 ? .again(consumed: taken) : .more(consumed: taken)
  }

  func end() -> BodyProgress {
    ends += 1
    if ends == 1 { return .again(consumed: 0) }
    if gate.isShut {
      gate.addBlock()
      return .blocked
    }
    return .respond(Response(body: Array("\(count) \(misplaced)".utf8)))
  }
}

/// Blocks at the gate the first time, and takes ten milliseconds for each read.
private final class CostlyReader: BodyReader {
  private let gate: Gate

  init(_ gate: Gate) {
    self.gate = gate
  }

  var isCostly: Bool { true }

  func read(_ bytes: Span<UInt8>) -> BodyProgress {
    waitUntil { !gate.isShut }
    usleep(10_000)
    gate.addRead()
    return .more(consumed: bytes.count)
  }

  func end() -> BodyProgress { .respond(Response()) }
}

extension ListenerTests {
  @Suite struct BodyReaders {
    /// A fast request waits for one costly body, not for all earlier ones.
    @Test func costlyBodiesWaitForTheOthers() throws {
      let gate = Gate()
      let server = try TestServer { head, _, _ in
        head.path == "/costly" ? CostlyReader(gate) : nil
      }
      defer { server.stop() }
      let other = try server.connect()
      #expect(try other.get("/other").body == "GET /other")
      gate.isShut = true
      let clients = try (0..<40).map { _ in try server.connect() }
      for client in clients {
        try client.send("POST /costly HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
      }
      try other.send("GET /other HTTP/1.1\r\nHost: a\r\n\r\n")
      gate.isShut = false
      #expect(try other.answer().body == "GET /other")
      #expect(gate.reads < 10)
      for client in clients { #expect(try client.answer().status == 200) }
      #expect(gate.reads == 40)
    }

    private func server(_ gate: Gate, stepBytes: Int) throws -> TestServer {
      try TestServer { head, _, _ in
        head.path == "/step" ? SteppingReader(gate, stepBytes: stepBytes) : nil
      }
    }

    @Test func givesOthersTheirTurnDuringALargeBody() throws {
      let gate = Gate()
      let server = try server(gate, stepBytes: 20_000)
      defer { server.stop() }
      let port = server.port
      let count = 64 << 20
      let answer = Locked<String?>(nil)
      Thread {
        // The same body twice: by length, then in chunks.
        let piece = Array(pattern[..<65_536])
        guard let client = try? Client(port: port) else { return }
        var bodies: [String] = []
        for isChunked in [false, true] {
          let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(count)"
          try? client.send("POST /step HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n")
          for _ in 0..<(count / piece.count) {
            if isChunked { try? client.send("10000\r\n") }
            try? client.send(piece)
            if isChunked { try? client.send("\r\n") }
          }
          if isChunked { try? client.send("0\r\n\r\n") }
          bodies.append((try? client.answer().body) ?? "none")
        }
        answer.withLock { $0 = bodies.joined(separator: ", ") }
      }.start()

      let other = try server.connect()
      var answered = 0
      var slowest: Int64 = 0
      while answer.withLock({ $0 == nil }) {
        let before = milliseconds()
        #expect(try other.get("/other").body == "GET /other")
        slowest = max(slowest, milliseconds() - before)
        answered += 1
      }
      #expect(answer.withLock { $0 } == "\(count) 0, \(count) 0")
      #expect(answered > 20)
      #expect(slowest < 1000)
    }

    @Test func stopsReadingWhileBlocked() throws {
      let gate = Gate()
      gate.isShut = true
      let server = try server(gate, stepBytes: .max)
      defer { server.stop() }
      let client = try server.connect()
      let count = 64 << 20
      try client.send("POST /step HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n")
      client.limitSendBuffer()
      client.setTimeout(milliseconds: 50)
      var sent = 0
      while true {
        let taken = client.sendSome(pattern[(sent & 255)...])
        guard taken > 0 else { break }
        sent += taken
      }
      // The sent bytes are in the buffers of the system.
      #expect(sent < 32 << 20)
      #expect(gate.blocks == 1 && gate.reads == 1)
      // Called again, the reader is still blocked, and others are served.
      server.listener.resumeBlocked()
      waitUntil { gate.blocks == 2 }
      #expect(try server.connect().get("/other").status == 200)
      #expect(gate.reads == 2)

      gate.isShut = false
      server.listener.resumeBlocked()
      client.setTimeout(milliseconds: 5000)
      while sent < count {
        let rest = pattern[(sent & 255)...].prefix(count - sent)
        let taken = client.sendSome(rest)
        guard taken > 0 else { break }
        sent += taken
      }
      #expect(try client.answer().body == "\(count) 0")
    }

    @Test func blocksAtTheEnd() throws {
      let gate = Gate()
      let server = try server(gate, stepBytes: 3)
      defer { server.stop() }
      let clients = try (0..<10).map { _ in try server.connect() }
      gate.isShut = true
      for client in clients { try client.send(request("/step", "")) }
      waitUntil { gate.blocks == 10 }
      gate.isShut = false
      server.listener.resumeBlocked()
      for client in clients { #expect(try client.answer().body == "0 0") }
      #expect(try clients[0].post("/step", "\0\u{1}\u{2}\u{3}\u{4}").body == "5 0")
    }

    @Test func aBlockedClientThatDisconnectsIsRemoved() throws {
      let gate = Gate()
      gate.isShut = true
      let server = try server(gate, stepBytes: 3)
      defer { server.stop() }
      let client = try server.connect()
      try client.send(request("/step", "aaaa"))
      waitUntil { gate.blocks == 1 }
      client.reset()
      waitUntil { server.exchanges.abandoned.count == 1 }
      server.listener.resumeBlocked()
      #expect(try server.connect().get("/other").status == 200)
      #expect(gate.reads == 1)
    }

    @Test func stopsReadingAfterAPendingRequest() throws {
      let server = try TestServer(limits: { $0.pipelinedBytesMax = 4096 })
      defer { server.stop() }
      let client = try server.connect()
      try client.send(request("/pending", "x"))
      waitUntil { server.exchanges.pending.count == 1 }
      let padding = String(repeating: "x", count: 2000)
      let pipelined = Array("GET /p HTTP/1.1\r\nHost: a\r\nX: \(padding)\r\n\r\n".utf8)
      var burst: [UInt8] = []
      for _ in 0..<10_000 { burst += pipelined }
      client.limitSendBuffer()
      client.setTimeout(milliseconds: 50)
      var sent = 0
      while true {
        let taken = client.sendSome(burst[sent...])
        guard taken > 0, sent + taken < burst.count else { break }
        sent += taken
      }
      #expect(sent < burst.count)
      server.listener.respond(Response(status: 202), to: server.exchanges.pending)
      client.setTimeout(milliseconds: 5000)
      #expect(try client.answer().status == 202)
      for _ in 0..<(sent / pipelined.count) {
        guard try client.answer().body == "GET /p" else {
          Issue.record("The answers are not those of the requests.")
          break
        }
      }
    }

    @Test func answersFromWithinTheHandler() throws {
      let server = try TestServer { head, exchange, listener in
        head.path == "/self"
          ? CollectingReader { _ in
            listener.respond(Response(status: 201), to: [exchange])
            return .pending
          } : nil
      }
      defer { server.stop() }
      let client = try server.connect()
      for _ in 0..<10 { #expect(try client.post("/self", "x").status == 201) }
    }

    @Test func aReaderWithoutAnAnswerIsABug() throws {
      let server = try TestServer { head, _, _ in
        head.path == "/none" ? CollectingReader { _ in .more(consumed: 0) } : nil
      }
      defer { server.stop() }
      let client = try server.connect()
      #expect(try client.post("/none", "x").status == 500)
      #expect(server.exchanges.abandoned.count == 1)
      #expect(try client.get("/next").status == 200)
    }

    @Test func answersBeforeTheBodyIsRead() throws {
      final class Picky: BodyReader {
        func read(_ bytes: Span<UInt8>) -> BodyProgress { .respond(Response(status: 422)) }
        func end() -> BodyProgress { .respond(Response(status: 200)) }
      }
      let server = try TestServer { head, _, _ in head.path == "/picky" ? Picky() : nil }
      defer { server.stop() }
      let client = try server.connect()
      #expect(try client.post("/picky", String(repeating: "x", count: 100_000)).status == 422)
      #expect(try client.post("/picky", "").status == 200)
      #expect(try client.post("/picky", String(repeating: "x", count: 5_000_000)).status == 422)
      client.closeWriting()
      #expect(try client.isAtEnd())
    }
  }
}
