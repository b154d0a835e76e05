import Foundation
import Testing

@testable import Outbound

/// Answers one connection after the other with bytes that were given; keeps what it was sent.
///
/// @unchecked because the test reads only what was sent before its own call returned.
private final class Server: @unchecked Sendable {
  let port: Int
  private(set) var requests: [String] = []
  private let descriptor: Int32

  init(answers: [String]) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.descriptor = descriptor
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    port = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, size)
        listen(descriptor, 8)
        unsafe getsockname(descriptor, $0, &size)
      }
      return unsafe Int(UInt16(bigEndian: pointer.pointee.sin_port))
    }
    Thread.detachNewThread { [self] in
      for answer in answers { serve(answer) }
      close(descriptor)
    }
  }

  private func serve(_ answer: String) {
    let connection = accept(descriptor, nil, nil)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while !isWhole(bytes) {
      let count = unsafe read(connection, &buffer, buffer.count)
      if count <= 0 { break }
      bytes += buffer.prefix(count)
    }
    requests.append(String(decoding: bytes, as: UTF8.self))
    _ = unsafe send(connection, answer, answer.utf8.count, Int32(MSG_NOSIGNAL))
    close(connection)
  }

  private func isWhole(_ bytes: [UInt8]) -> Bool {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.firstRange(of: "\r\n\r\n") else { return false }
    let length = text.firstMatch(of: /Content-Length: (\d+)/).flatMap { Int($0.1) } ?? 0
    return text[end.upperBound...].utf8.count >= length
  }
}

@Suite struct OutletTests {
  private let outlet = Outlet(addresses: .all)

  @Test func aCallArrivesAsItIs() throws {
    let server = try Server(answers: [
      "HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 429 Slow\r\nRetry-After: 7\r\n"
        + "Content-Length: 2\r\n\r\nno"
    ])
    let answer = try outlet.send(
      HTTPCall(
        url: "http://127.0.0.1:\(server.port)/hook?x=1",
        headers: [("Content-Type", "application/json"), ("Request-ID", "a\r\nEvil: b")],
        body: Array(#"{"a":"é"}"#.utf8)))
    #expect(answer.status == 429 && answer.header("retry-after") == "7")
    #expect(answer.header("a") == nil)
    #expect(answer.body == Array("no".utf8) && !answer.isCut)
    let request = server.requests[0]
    #expect(request.hasPrefix("POST /hook?x=1 HTTP/1.1\r\n"))
    #expect(request.contains("\r\nRequest-ID: a  Evil: b\r\n"))
    #expect(request.contains("\r\nContent-Length: 10\r\n") && !request.contains("Expect"))
    #expect(request.hasSuffix("\r\n\r\n{\"a\":\"é\"}"))
  }

  @Test func redirectionsAreNotFollowed() throws {
    let server = try Server(answers: [
      "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    ])
    #expect(try outlet.send(HTTPCall(url: "http://127.0.0.1:\(server.port)/")).status == 302)
  }

  @Test func aLongAnswerIsCut() throws {
    let body = String(repeating: "x", count: 100_000)
    let server = try Server(answers: ["HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + body])
    let answer = try outlet.send(
      HTTPCall(method: "GET", url: "http://127.0.0.1:\(server.port)/", answerBytesMax: 100))
    #expect(answer.status == 200 && answer.body.count == 100 && answer.isCut)
    #expect(server.requests[0].hasPrefix("GET / "))
  }

  /// A server that is in trouble may be well the next time.
  @Test func anAnswerThatBreaksOffIsNotForGood() throws {
    let server = try Server(answers: [
      "HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nabcde"
    ])
    do throws(OutboundFailure) {
      _ = try outlet.send(HTTPCall(url: "http://127.0.0.1:\(server.port)/"))
      Issue.record("it was whole")
    } catch {
      #expect(!error.isPermanent, "\(error.reason)")
    }
  }

  @Test(arguments: [
    "127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1",
  ])
  func privateAddressesAreRefusedHoweverTheyAreWritten(host: String) throws {
    do throws(OutboundFailure) {
      _ = try Outlet(addresses: .publicOnly).send(HTTPCall(url: "http://\(host):9/"))
      Issue.record("it went out")
    } catch {
      #expect(error.isPermanent && error.reason.contains("a private address"), "\(error.reason)")
    }
  }

  @Test(arguments: [
    "ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "smtp://127.0.0.1/",
  ])
  func otherProtocolsAreNone(url: String) {
    #expect(throws: OutboundFailure.self) { try outlet.send(HTTPCall(url: url)) }
  }

  @Test func nobodyListens() {
    do throws(OutboundFailure) {
      _ = try outlet.send(HTTPCall(url: "http://127.0.0.1:1/"))
      Issue.record("it went out")
    } catch {
      #expect(!error.isPermanent && error.reason.hasPrefix("127.0.0.1: "))
    }
  }

  @Test func oneThatNeverAnswersIsGivenUp() throws {
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
      try outlet.send(HTTPCall(url: "http://127.0.0.1:\(port)/", timeoutMilliseconds: 200))
    }
  }
}
