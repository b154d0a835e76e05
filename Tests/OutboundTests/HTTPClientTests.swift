import Foundation
import Testing

@testable import Outbound

/// The client's promises to commands.
@Suite struct HTTPClientTests {
  private let client = HTTPClient()
  private static let fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

  @Test func requestsShareAConnection() throws {
    let server = try WebServer(connections: [[Self.fine, Self.fine, Self.fine]])
    for body in ["", "a", "bc"] {
      let answer = try client.send(HTTPCall(url: server.url + "/x", body: Array(body.utf8)))
      #expect(answer.status == 200 && answer.body == Array("ok".utf8))
    }
    for (request, body) in zip(server.requests, ["", "a", "bc"]) {
      #expect(request.hasPrefix("POST /x HTTP/1.1\r\n") && request.hasSuffix("\r\n\r\n" + body))
    }
  }

  @Test func aClosedConnectionIsReopened() throws {
    let server = try WebServer(connections: [[Self.fine], [Self.fine]])
    for body in ["a", "b"] {
      #expect(try client.send(HTTPCall(url: server.url, body: Array(body.utf8))).status == 200)
      server.closed.wait()
    }
    #expect(server.requests[1].hasSuffix("\r\n\r\nb"))
  }

  /// The target of a request is sent as it is in the URL.
  @Test func theTargetIsNotNormalized() throws {
    let server = try WebServer(answers: [Self.fine])
    _ = try client.send(HTTPCall(method: "GET", url: server.url + "/a/../%2e/b?c=/../d"))
    #expect(server.requests[0].hasPrefix("GET /a/../%2e/b?c=/../d HTTP/1.1\r\n"))
    #expect(server.requests[0].contains("\r\nHost: 127.0.0.1:\(server.port)\r\n"))
  }

  @Test func aChunkedResponseIsJoined() throws {
    let server = try WebServer(answers: [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX:  y z \r\n\r\n"
        + "3;e=1\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n"
    ])
    let answer = try client.send(HTTPCall(method: "GET", url: server.url))
    #expect(answer.body == Array("abc0123456789".utf8) && answer.header("x") == "y z")
  }

  /// The directory's path is longer than a socket's address.
  @Test func aSocketIsReachedByAPathOfAnyLength() throws {
    let directory = TestDirectory()
    let path = directory.path + "/" + String(repeating: "a", count: 150)
    let server = try WebServer(
      directory: path, name: "s.sock", connections: [[Self.fine, Self.fine]])
    let client = HTTPClient(socketPath: path + "/s.sock")
    for _ in 0..<2 {
      let call = HTTPCall(url: "http://localhost/control", body: Array("b".utf8))
      #expect(try client.send(call).status == 200)
    }
    #expect(server.requests.allSatisfy { $0.hasPrefix("POST /control HTTP/1.1\r\n") })
  }

  @Test func aSocketWithoutAListenerIsUnreachable() throws {
    let directory = TestDirectory()
    let stale = try boundSocket(directory: directory.path, name: "stale")
    close(stale)
    for (path, number) in [
      ("/stale", ECONNREFUSED), ("/none", ENOENT), ("/none/none", ENOENT),
    ] {
      let path = directory.path + path
      let failure = try #require(failed(by: HTTPClient(socketPath: path), "http://localhost/"))
      #expect(failure.cause == .unreachable(number), "\(failure.reason)")
      #expect(
        failure.reason == "cannot connect to \(path): \(unsafe String(cString: strerror(number)))")
    }
  }

  @Test func anAddressWithoutAListenerIsUnreachable() throws {
    let failure = try #require(failed(by: client, "http://127.0.0.1:1/"))
    #expect(failure.reason == "cannot connect to 127.0.0.1:1: Connection refused")
    #expect(failure.cause == .unreachable(ECONNREFUSED) && !failure.isPermanent)
  }

  /// A server may reject a body that is too large while it is sent.
  @Test func anEarlyResponseIsRead() throws {
    let server = try WebServer(
      connections: [["HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"]], readsBodies: false)
    let body = [UInt8](repeating: 0x61, count: 64 << 20)
    let answer = try client.send(HTTPCall(url: server.url, body: body))
    #expect(answer.status == 413 && answer.body == Array("big".utf8))
  }

  @Test(arguments: ["", "220 mail ready\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"])
  func anIncompleteResponseIsAFailureWithTheAddress(bytes: String) throws {
    let server = try WebServer(answers: [bytes])
    let failure = try #require(failed(by: client, server.url))
    #expect(failure.reason.hasPrefix("127.0.0.1:\(server.port): "), "\(failure.reason)")
  }

  @Test func aLongResponseIsAFailureIfItMustBeWhole() throws {
    let server = try WebServer(answers: [Self.fine, Self.fine])
    var call = HTTPCall(url: server.url)
    call.needsWholeAnswer = true
    call.answerBytesMax = 2
    #expect(try client.send(call).body == Array("ok".utf8))
    call.answerBytesMax = 1
    let reason = "the response of 127.0.0.1:\(server.port) is longer than 1 bytes"
    #expect(throws: OutboundFailure(reason)) { try client.send(call) }
  }

  private func failed(by client: HTTPClient, _ url: String) -> OutboundFailure? {
    do throws(OutboundFailure) {
      _ = try client.send(HTTPCall(url: url))
      return nil
    } catch {
      return error
    }
  }
}
