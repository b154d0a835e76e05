import Foundation
import HTTP
import Listener
import Testing

extension ListenerTests {
  @Suite struct Exchanges {
    @Test func keepsTheConnection() throws {
      let server = try TestServer()
      defer { server.stop() }
      let client = try server.connect()
      for number in 0..<20 {
        let answer = try client.get("/\(number)?q")
        #expect(answer.status == 200 && answer.body == "GET /\(number)")
        #expect(answer.fields["Server"] == "hale" && answer.fields["Connection"] == nil)
        #expect(answer.fields["Date"] == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(try client.post("/p", "body\(number)").body == "POST /p body\(number)")
      }
    }

    @Test func closesOnRequest() throws {
      let server = try TestServer()
      defer { server.stop() }
      for request in [
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n",
      ] {
        let client = try server.connect()
        try client.send(request)
        let answer = try client.answer()
        #expect(answer.status == 200 && answer.fields["Connection"] == "close")
        #expect(try client.isAtEnd())
      }
      let old = try server.connect()
      for _ in 0..<2 {
        try old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(try old.answer().fields["Connection"] == "keep-alive")
      }
    }

    @Test func answersHeadAndOptions() throws {
      let server = try TestServer()
      defer { server.stop() }
      let client = try server.connect()
      try client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
      let head = try client.answer(isHead: true)
      #expect(head.status == 200 && head.fields["Content-Length"] == "7")
      #expect(try client.answer().body == "OPTIONS * ")
      #expect(try client.get("/y").body == "GET /y")
    }

    @Test func readsChunkedUploadsInAnyPieces() throws {
      let server = try TestServer()
      defer { server.stop() }
      let client = try server.connect()
      let upload = Array(
        ("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "5\r\nhello\r\n1;x\r\n \r\n5\r\nworld\r\n0\r\nT: v\r\n\r\n").utf8)
      for size in [1, 2, 3, 7, 50, upload.count] {
        for start in stride(from: 0, to: upload.count, by: size) {
          try client.send(Array(upload[start..<min(start + size, upload.count)]))
        }
        #expect(try client.answer().body == "POST /c hello world")
      }
    }

    @Test func answersPipelinedRequestsInOrder() throws {
      let server = try TestServer()
      defer { server.stop() }
      let clients = try (0..<5).map { _ in try server.connect() }
      for (number, client) in clients.enumerated() {
        try client.send(
          "GET /a\(number) HTTP/1.1\r\nHost: a\r\n\r\n" + request("/pending", "x")
            + request("/b", "y")
            + "HEAD /c HTTP/1.1\r\nHost: a\r\n\r\n"
            + "POST /pending HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            + "GET /d\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
      }
      for round in 0..<2 {
        waitUntil { server.exchanges.pending.count == 5 }
        let pending = server.exchanges.takePending()
        // Answered one by one from another thread, the last one first; then all at once.
        let response = Response(status: 202, body: Array("round \(round)".utf8))
        Thread {
          if round == 0 {
            for exchange in pending.reversed() { server.listener.respond(response, to: [exchange]) }
          } else {
            server.listener.respond(response, to: pending.reversed())
          }
        }.start()
      }
      for (number, client) in clients.enumerated() {
        #expect(try client.answer().body == "GET /a\(number)")
        let first = try client.answer()
        #expect(first.status == 202 && first.body == "round 0")
        #expect(try client.answer().body == "POST /b y")
        #expect(try client.answer(isHead: true).fields["Content-Length"] == "7")
        #expect(try client.answer().body == "round 1")
        #expect(try client.answer().body == "GET /d\(number)")
      }
      #expect(server.exchanges.abandoned.isEmpty)
    }

    @Test func answersManyPipelinedRequestsToASlowReader() throws {
      let server = try TestServer()
      defer { server.stop() }
      let client = try server.connect()
      // Answers of 40 MB, far more than the system buffers, before the first one is read.
      let count = 400
      try client.send(
        String(repeating: "GET /big/100000 HTTP/1.1\r\nHost: a\r\n\r\n", count: count))
      for _ in 0..<count { #expect(try client.answer().body.utf8.count == 100_000) }
      #expect(try client.get("/z").body == "GET /z")
    }

    @Test func continuesWhenTheBodyIsWanted() throws {
      let server = try TestServer()
      defer { server.stop() }
      let client = try server.connect()
      for _ in 0..<2 {
        try client.send(
          "POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.answer().status == 100)
        try client.send("body")
        #expect(try client.answer().body == "POST /e body")
      }
    }

    @Test func refusesInsteadOfContinuing() throws {
      let server = try TestServer()
      defer { server.stop() }
      let client = try server.connect()
      try client.send(
        "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
      let answer = try client.answer()
      #expect(answer.status == 403 && answer.fields["Connection"] == "close")
      #expect(try client.isAtEnd())

      let other = try server.connect()
      try other.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: x\r\n\r\n")
      #expect(try other.answer().status == 417)
      #expect(try other.isAtEnd())
    }

    @Test func discardsTheBodyAfterAnEarlyAnswer() throws {
      let server = try TestServer()
      defer { server.stop() }
      let client = try server.connect()
      let body = String(repeating: "x", count: 200_000)
      try client.send(request("/refuse", body))
      #expect(try client.answer().status == 403)
      try client.send(
        "POST /refuse HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "2710\r\n\(String(repeating: "x", count: 10_000))\r\n0\r\n\r\n")
      #expect(try client.answer().status == 403)
      try client.send(request("/pending-now", body) + "GET /after HTTP/1.1\r\nHost: a\r\n\r\n")
      waitUntil { server.exchanges.pending.count == 1 }
      server.listener.respond(Response(status: 202), to: server.exchanges.pending)
      #expect(try client.answer().status == 202)
      #expect(try client.answer().body == "GET /after")
    }

    @Test func lingersAfterAnEarlyAnswerToALargeBody() throws {
      let server = try TestServer()
      defer { server.stop() }
      let body = String(repeating: "x", count: 8_000_000)
      for chunked in [false, true] {
        let client = try server.connect()
        // The client writes the whole body before it reads. Without lingering it would get a reset.
        try client.send(
          chunked
            ? "POST /refuse HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
              + "7a1200\r\n\(body)\r\n0\r\n\r\n"
            : request("/refuse", body))
        #expect(try client.answer().status == 403)
        client.closeWriting()
        #expect(try client.isAtEnd())
      }
    }

    @Test func refusesTooLargeBodies() throws {
      let server = try TestServer(limits: { $0.bodyBytesMax = 1_000_000 })
      defer { server.stop() }
      let body = String(repeating: "x", count: 1_000_000)
      #expect(try server.connect().post("/p", body).body.utf8.count == 1_000_000 + 8)

      let client = try server.connect()
      try client.send(request("/p", body + "x"))
      let answer = try client.answer()
      #expect(answer.status == 413 && answer.body == #"{"detail":"the body is too large"}"#)
      #expect(answer.fields["Connection"] == "close")
      client.closeWriting()
      #expect(try client.isAtEnd())

      let chunked = try server.connect()
      try chunked.send(
        "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "F4240\r\n\(body)\r\n1\r\nx\r\n0\r\n\r\n")
      #expect(try chunked.answer().status == 413)
      // The current request ended without an answer of the handler.
      #expect(server.exchanges.abandoned.count == 1)
    }

    @Test func answersMalformedRequests() throws {
      let server = try TestServer(decorateError: { error, response in
        response.headers.add("Access-Control-Allow-Origin", "*")
        response.headers.add("X-Status", "\(error.status)")
      })
      defer { server.stop() }
      for (stream, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("GET /\(String(repeating: "a", count: 20_000)) HTTP/1.1\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 20_000))\r\n", 431),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx", 400),
      ] {
        let client = try server.connect()
        try client.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n" + stream)
        #expect(try client.answer().body == "GET /first")
        let answer = try client.answer()
        #expect(answer.status == status && answer.fields["X-Status"] == "\(status)")
        #expect(answer.fields["Access-Control-Allow-Origin"] == "*")
        #expect(answer.fields["Content-Type"] == "application/json")
        client.closeWriting()
        #expect(try client.isAtEnd())
      }
    }

    @Test func answersClientsThatClosedTheirSide() throws {
      let server = try TestServer()
      defer { server.stop() }
      let client = try server.connect()
      try client.send(request("/pending", "x") + "GET /after HTTP/1.1\r\nHost: a\r\n\r\nGET /half")
      client.closeWriting()
      waitUntil { server.exchanges.pending.count == 1 }
      server.listener.respond(Response(status: 202), to: server.exchanges.pending)
      #expect(try client.answer().status == 202)
      #expect(try client.answer().body == "GET /after")
      #expect(try client.isAtEnd())
      #expect(server.exchanges.abandoned.isEmpty)
    }

    @Test func notifiesTheHandlerOfADisconnectedClient() throws {
      let server = try TestServer()
      defer { server.stop() }
      // While pending, while pending with an incomplete body, and while the body is read.
      for (text, isPending) in [
        (request("/pending", "x"), true),
        ("POST /pending-now HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx", true),
        ("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx", false),
      ] {
        let before = server.exchanges.abandoned.count
        let client = try server.connect()
        // The answer shows that the request after it arrived.
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n" + text)
        _ = try client.answer()
        if isPending { waitUntil { server.exchanges.pending.count == 1 } }
        client.reset()
        waitUntil { server.exchanges.abandoned.count == before + 1 }
        if isPending {
          #expect(server.exchanges.takePending() == [server.exchanges.abandoned[before]])
        }
      }
      // A late answer reaches nobody, in particular not the next client.
      let next = try server.connect()
      try next.send(request("/pending", "x"))
      waitUntil { server.exchanges.pending.count == 1 }
      server.listener.respond(Response(status: 500), to: server.exchanges.abandoned)
      let exchange = server.exchanges.pending
      server.listener.respond(Response(status: 202), to: exchange)
      server.listener.respond(Response(status: 500), to: exchange)
      #expect(try next.answer().status == 202)
      try next.send(request("/pending", "x"))
      waitUntil { server.exchanges.pending.count == 2 }
      server.listener.respond(Response(status: 500), to: exchange)
      server.listener.respond(Response(status: 201), to: server.exchanges.pending)
      #expect(try next.answer().status == 201)
    }
  }
}
