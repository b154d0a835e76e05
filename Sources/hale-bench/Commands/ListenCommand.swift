import ArgumentParser
import HTTP
import Listener

/// The listener alone: reads each request with its body and answers 200.
struct ListenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "listen",
    abstract: "Answer every request with 200 and a body of 41 bytes, until killed.")

  @Option(help: "The address to listen on.")
  var listen = "127.0.0.1:18081"

  func run() throws {
    let listener = try Listener(
      Listener.Configuration(
        addresses: try SocketAddress.resolve(listen),
        monotonicNow: { Stopwatch.monotonicMilliseconds },
        wallSeconds: { Stopwatch.wallSeconds }))
    printFigures([("port", Double(listener.boundAddresses.first?.port ?? 0))])
    listener.run(SameAnswer())
  }
}

/// Reads each body to its end and sends the same response.
private final class SameAnswer: RequestHandler, BodyReader {
  private let answer = Response(
    headers: ["Content-Type": "application/json"],
    body: Array("{\"id\":\"00000000000000000000000000000000\"}".utf8))

  func begin(
    _ head: RequestHead, exchange: ExchangeID, tenant: inout Tenant?
  ) -> RequestDisposition { .read(self) }

  func abandon(_ exchange: ExchangeID) {}

  func read(_ bytes: Span<UInt8>) -> BodyProgress { .more(consumed: bytes.count) }

  func end() -> BodyProgress { .respond(answer) }
}
