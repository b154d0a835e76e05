import Foundation
import HTTP
import Listener
import Locks
import Testing

/// The tests of the listener run one after the other, since they count descriptors and measure
/// time.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ListenerTests {}

/// A server on its own thread and port.
final class TestServer: Sendable {
  let listener: Listener
  let exchanges: ExchangeLog
  private let hasEnded = Locked(false)

  init(
    reader: @escaping @Sendable (RequestHead, ExchangeID, Listener) -> (any BodyReader)? = {
      _, _, _ in nil
    },
    limits change: (inout HTTPLimits) -> Void = { _ in },
    bytes changeBytes: (inout ByteBudget.Limits) -> Void = { _ in },
    faults: SyscallFaults? = nil,
    controlPath: String? = nil,
    decorateError: @escaping @Sendable (HTTPError, inout Response) -> Void = { _, _ in }
  ) throws {
    var limits = HTTPLimits()
    limits.tickMilliseconds = 5
    change(&limits)
    var configuration = Listener.Configuration(
      addresses: [try SocketAddress("127.0.0.1:0")], controlPath: controlPath, limits: limits,
      monotonicNow: milliseconds, wallSeconds: { 784_111_777 }, decorateError: decorateError)
    changeBytes(&configuration.byteLimits)
    if let faults { configuration.syscalls = Syscalls { faults.next($0) } }
    let listener = try Listener(configuration)
    let exchanges = ExchangeLog()
    self.listener = listener
    self.exchanges = exchanges
    Thread {
      listener.run(TestHandler(listener, exchanges, reader))
      self.hasEnded.withLock { $0 = true }
    }.start()
  }

  var port: Int { listener.boundAddresses[0].port }

  func connect() throws -> Client { try Client(port: port) }

  var isRunning: Bool { !hasEnded.withLock { $0 } }

  /// Ends the server, and waits for it.
  func stop(deadlineMilliseconds: Int64 = 3000) {
    listener.drain(deadlineMilliseconds: deadlineMilliseconds)
    waitUntil { !isRunning }
  }
}

/// The pending exchanges and those that were abandoned.
final class ExchangeLog: Sendable {
  private let state = Locked<(pending: [ExchangeID], abandoned: [ExchangeID])>(([], []))

  var pending: [ExchangeID] { state.withLock { $0.pending } }
  var abandoned: [ExchangeID] { state.withLock { $0.abandoned } }

  func addPending(_ exchange: ExchangeID) { state.withLock { $0.pending.append(exchange) } }
  func addAbandoned(_ exchange: ExchangeID) { state.withLock { $0.abandoned.append(exchange) } }
  func takePending() -> [ExchangeID] {
    state.withLock { state in
      defer { state.pending = [] }
      return state.pending
    }
  }
}

/// Answers by path:
/// - `/pending…`: when the test answers, after the body; `/pending-now…` without reading it.
/// - `/refuse…`: with 403, without reading the body.
/// - `/big/N` and `/kept/N`: with N bytes.
/// - paths with a reader of the test: by that reader.
/// - any other: method, path and body, immediately for GET and HEAD, otherwise after the body.
private final class TestHandler: RequestHandler {
  private let listener: Listener
  private let exchanges: ExchangeLog
  private let reader: @Sendable (RequestHead, ExchangeID, Listener) -> (any BodyReader)?

  init(
    _ listener: Listener, _ exchanges: ExchangeLog,
    _ reader: @escaping @Sendable (RequestHead, ExchangeID, Listener) -> (any BodyReader)?
  ) {
    self.listener = listener
    self.exchanges = exchanges
    self.reader = reader
  }

  func begin(
    _ head: RequestHead, exchange: ExchangeID, tenant: inout Tenant?
  ) -> RequestDisposition {
    let name = "\(head.method.name) \(head.path)\(head.isControl ? " control" : "")"
    if let reader = reader(head, exchange, listener) {
      tenant = reader.tenant
      return .read(reader)
    }
    if head.path.hasPrefix("/refuse") { return .respond(Response(status: 403)) }
    if head.path.hasPrefix("/pending-now") {
      exchanges.addPending(exchange)
      return .pending
    }
    if head.path.hasPrefix("/big/"), let count = Int(head.path.dropFirst(5)) {
      return .respond(Response(body: [UInt8](repeating: 0x62, count: count)))
    }
    if head.path.hasPrefix("/kept/"), let count = Int(head.path.dropFirst(6)) {
      var response = Response(body: [UInt8](repeating: 0x62, count: count))
      response.isKept = true
      return .respond(response)
    }
    if head.path.hasPrefix("/pending") {
      return .read(
        CollectingReader { _ in
          self.exchanges.addPending(exchange)
          return .pending
        })
    }
    if head.method == .get || head.method == .head {
      return .respond(Response(body: Array(name.utf8)))
    }
    return .read(CollectingReader { .respond(Response(body: Array(name.utf8) + [0x20] + $0)) })
  }

  func abandon(_ exchange: ExchangeID) {
    exchanges.addAbandoned(exchange)
  }
}

/// Collects the body.
final class CollectingReader: BodyReader {
  private var body: [UInt8] = []
  private let answer: ([UInt8]) -> BodyProgress

  init(_ answer: @escaping ([UInt8]) -> BodyProgress) {
    self.answer = answer
  }

  func read(_ bytes: Span<UInt8>) -> BodyProgress {
    for index in bytes.indices { body.append(bytes[index]) }
    return .more(consumed: bytes.count)
  }

  func end() -> BodyProgress { answer(body) }
}

@Sendable func milliseconds() -> Int64 {
  var time = timespec()
  _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}

/// Waits for another thread, at most five seconds.
func waitUntil(
  _ condition: () -> Bool, sourceLocation: SourceLocation = #_sourceLocation
) {
  let end = milliseconds() + 5000
  while !condition() {
    guard milliseconds() < end else {
      Issue.record("It did not happen.", sourceLocation: sourceLocation)
      return
    }
    usleep(500)
  }
}

/// The number of open sockets, pollers and event descriptors of this process.
func openSockets() throws -> Int {
  try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter { name in
    let path = "/proc/self/fd/\(name)"
    guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else {
      return false
    }
    return ["socket:", "anon_inode:[eventpoll]", "anon_inode:[eventfd]"].contains {
      target.hasPrefix($0)
    }
  }.count
}

extension SocketAddress {
  /// The first address of ``resolve(_:)``.
  init(_ text: String) throws(ListenerError) {
    self = try SocketAddress.resolve(text)[0]
  }
}
