import Foundation
import Testing

@testable import Outbound

@Suite struct OutboundClientTests {
  private let client = OutboundClient(addresses: .all)

  @Test func aRequestIsSentUnchanged() throws {
    let server = try WebServer(answers: [
      "HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 429 Slow\r\nRetry-After: 7\r\n"
        + "Content-Length: 2\r\n\r\nno"
    ])
    let answer = try client.send(
      HTTPCall(
        url: "http://127.0.0.1:\(server.port)/hook?x=1",
        headers: [("Content-Type", "application/json"), ("Request-ID", "a\r\nEvil: b")],
        body: Array(#"{"a":"é"}"#.utf8)))
    #expect(answer.status == 429 && answer.header("retry-after") == "7")
    #expect(answer.header("a") == nil)
    #expect(answer.body == Array("no".utf8))
    let request = server.requests[0]
    #expect(request.hasPrefix("POST /hook?x=1 HTTP/1.1\r\n"))
    #expect(request.contains("\r\nRequest-ID: a  Evil: b\r\n"))
    #expect(request.contains("\r\nContent-Length: 10\r\n") && !request.contains("Expect"))
    #expect(request.hasSuffix("\r\n\r\n{\"a\":\"é\"}"))
  }

  @Test func redirectsAreNotFollowed() throws {
    let server = try WebServer(answers: [
      "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    ])
    #expect(try client.send(HTTPCall(url: "http://127.0.0.1:\(server.port)/")).status == 302)
  }

  @Test func aLongResponseIsCut() throws {
    let body = String(repeating: "x", count: 100_000)
    let server = try WebServer(answers: ["HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + body]
    )
    var call = HTTPCall(method: "GET", url: "http://127.0.0.1:\(server.port)/")
    call.answerBytesMax = 100
    let answer = try client.send(call)
    #expect(answer.status == 200 && answer.body.count == 100)
    #expect(server.requests[0].hasPrefix("GET / "))
  }

  /// A server that fails may succeed at the next attempt.
  @Test func anIncompleteResponseIsNotPermanent() throws {
    let server = try WebServer(answers: [
      "HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nabcde"
    ])
    do throws(OutboundFailure) {
      _ = try client.send(HTTPCall(url: "http://127.0.0.1:\(server.port)/"))
      Issue.record("it was whole")
    } catch {
      #expect(!error.isPermanent, "\(error.reason)")
    }
  }

  @Test(arguments: [
    "127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1",
  ])
  func privateAddressesAreRefusedInEveryNotation(host: String) throws {
    do throws(OutboundFailure) {
      _ = try OutboundClient(addresses: .publicOnly).send(HTTPCall(url: "http://\(host):9/"))
      Issue.record("it went out")
    } catch {
      #expect(error.isPermanent && error.reason.contains("a private address"), "\(error.reason)")
    }
  }

  @Test(arguments: [
    "ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "smtp://127.0.0.1/",
  ])
  func otherProtocolsAreRefused(url: String) {
    #expect(throws: OutboundFailure.self) { try client.send(HTTPCall(url: url)) }
  }

  @Test func aServerThatNeverRespondsTimesOut() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    listen(descriptor, 1)
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    unsafe withUnsafeMutablePointer(to: &address) { pointer in
      _ = unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe getsockname(descriptor, $0, &size)
      }
    }
    let port = UInt16(bigEndian: address.sin_port)
    #expect(throws: OutboundFailure.self) {
      try client.send(HTTPCall(url: "http://127.0.0.1:\(port)/", timeoutMilliseconds: 200))
    }
  }
}
