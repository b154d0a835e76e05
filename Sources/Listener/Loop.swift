import Foundation
import HTTP

/// The event loop of the server: waits for sockets, gives each connection its turn, checks
/// deadlines, and processes the mailbox of other threads. It is used only on the thread that calls
/// ``Listener/run(_:)``.
final class Loop {
  /// The maximum number of accepted connections before the others have their turn.
  private static let acceptsMax = 64

  let listener: Listener
  let limits: HTTPLimits
  let syscalls: Syscalls
  let handler: any RequestHandler
  let buffer: ReadBuffer

  /// The time of this round; the clock is read once per round.
  private(set) var now: Int64
  /// The output of the connection whose turn it is; empty between turns.
  private(set) var outgoing: [UInt8] = []

  private(set) var isDraining = false
  private var drainDeadline = Int64.max

  private var sockets: [ListeningSocket]
  private var acceptsAgainAt: Int64?
  /// Whether there is room for more connections over TCP, and over the control socket.
  private var accepts = true
  private var acceptsControl = true

  private var connections: [Connection?] = []
  private var freeSlots: [Int] = []
  private var connectionCount = 0
  private var controlConnectionCount = 0
  private let connectionsMax: Int
  private var connectionNumber: UInt64 = 0
  private var exchangeNumber: UInt64 = 0

  private var queued: [Connection] = []
  private var blocked: [Connection] = []

  private var writer: ResponseWriter
  private var isDateRead = false

  private var nextSweep = Int64.max
  private var lastSweep: Int64

  init(_ listener: Listener, _ sockets: [ListeningSocket], _ handler: any RequestHandler) {
    self.listener = listener
    self.sockets = sockets
    self.handler = handler
    limits = listener.configuration.limits
    syscalls = listener.configuration.syscalls
    buffer = ReadBuffer(count: limits.turnBytesMax)
    now = listener.configuration.monotonicNow()
    lastSweep = now
    writer = ResponseWriter(wallSeconds: listener.configuration.wallSeconds)
    connectionsMax = Loop.connectionsMax(limits)
  }

  // MARK: Rounds

  func run() {
    let events = PollerEvents()
    while !(isDraining && connectionCount == 0 && controlConnectionCount == 0) {
      wait(events)
      now = listener.configuration.monotonicNow()
      isDateRead = false
      for index in 0..<events.count { dispatch(events[index]) }
      takeTurns()
      takeMail()
      sweepIfDue()
      if now >= drainDeadline { closeAll() }
    }
    closeAll()
  }

  private func wait(_ events: PollerEvents) {
    do throws(SystemError) {
      try listener.poller.wait(events, timeoutMilliseconds: timeout())
    } catch {
      // Only a bug of this program can be the cause; the pause avoids a busy loop.
      _ = usleep(10_000)
    }
  }

  private func timeout() -> Int32 {
    if !queued.isEmpty || listener.hasMail { return 0 }
    let next = min(max(nextSweep, earliestSweep), drainDeadline, acceptsAgainAt ?? .max)
    guard next != .max else { return -1 }
    return Int32(clamping: max(0, next - now))
  }

  private func dispatch(_ readiness: Readiness) {
    if readiness.token == Poller.wakeToken { return }
    if readiness.token >= ListeningSocket.tokenBase {
      return acceptAll(sockets[Int(readiness.token - ListeningSocket.tokenBase)])
    }
    // A connection that was closed earlier in this round is gone, or its slot has another token.
    let slot = Int(readiness.token & slotMask)
    guard let connection = connections[slot], connection.token == readiness.token else { return }
    connection.handle(readiness, in: self)
  }

  private func takeTurns() {
    guard !queued.isEmpty else { return }
    var turns: [Connection] = []
    swap(&turns, &queued)
    let end = listener.configuration.monotonicNow() + limits.turnsMilliseconds
    for (index, connection) in turns.enumerated() {
      connection.takeTurn(in: self)
      if listener.configuration.monotonicNow() >= end {
        queued.insert(contentsOf: turns[(index + 1)...], at: 0)
        break
      }
    }
  }

  private func takeMail() {
    guard listener.hasMail, let mail = listener.takeMail() else { return }
    for (response, exchanges) in mail.answers { deliver(response, exchanges) }
    if mail.resumes { resumeBlocked() }
    if let milliseconds = mail.drainMilliseconds { drain(milliseconds) }
  }

  private func deliver(_ response: Response, _ exchanges: [ExchangeID]) {
    var encoded: [UInt8]?
    if exchanges.count > 1, !isDraining, !response.closesConnection {
      write(response, ResponseWriter.Context())
      encoded = outgoing
      clearOutgoing()
    }
    for exchange in exchanges {
      let slot = Int(exchange.rawValue & slotMask)
      guard slot < connections.count, let connection = connections[slot],
        connection.exchange == exchange, !connection.isAnswered
      else { continue }
      connection.answerPending(response, encoded, in: self)
    }
  }

  private func resumeBlocked() {
    var resumed: [Connection] = []
    swap(&resumed, &blocked)
    for connection in resumed where connection.pause == .blocked { queue(connection) }
  }

  // MARK: What connections use

  /// The client of a request, which a trusted proxy may have passed on.
  func client(of head: RequestHead, from sender: PeerAddress?) -> PeerAddress? {
    let proxies = listener.configuration.trustedProxies
    guard let sender, !proxies.isEmpty else { return sender }
    return proxies.client(of: head, from: sender)
  }

  func queue(_ connection: Connection) {
    guard !connection.isQueued else { return }
    connection.isQueued = true
    queued.append(connection)
  }

  /// The blocked connections in order of arrival, so that none starves when there is room only for
  /// some.
  func addBlocked(_ connection: Connection) {
    blocked.append(connection)
  }

  func removeBlocked(_ connection: Connection) {
    blocked.removeAll { $0 === connection }
  }

  /// Makes a unique number with the slot of the connection in its low bits: a late answer finds its
  /// own exchange or none.
  func nextExchange(slot: Int) -> ExchangeID {
    exchangeNumber += 1
    return ExchangeID(rawValue: exchangeNumber << slotBits | UInt64(slot))
  }

  func write(_ response: Response, _ context: ResponseWriter.Context) {
    if !isDateRead {
      isDateRead = true
      writer.refreshDate()
    }
    var bytes: [UInt8] = []
    swap(&bytes, &outgoing)
    writer.write(response, context, to: &bytes)
    swap(&bytes, &outgoing)
  }

  func write(_ encoded: [UInt8]) {
    var bytes: [UInt8] = []
    swap(&bytes, &outgoing)
    bytes += encoded
    swap(&bytes, &outgoing)
  }

  /// The answer to a malformed request, with the additions of the service.
  func response(to error: HTTPError) -> Response {
    var response = error.response
    listener.configuration.decorateError(error, &response)
    return response
  }

  /// Empties the output, and frees a large buffer.
  func clearOutgoing() {
    var bytes: [UInt8] = []
    swap(&bytes, &outgoing)
    bytes.removeAll(keepingCapacity: bytes.capacity <= 4 * limits.turnBytesMax)
    swap(&bytes, &outgoing)
  }

  // MARK: Deadlines

  private var earliestSweep: Int64 { lastSweep + limits.tickMilliseconds }

  /// Notes the deadline of a connection. There is no list: deadlines move with each request and
  /// rarely pass, so a periodic check of all connections is cheaper.
  func schedule(_ deadline: Int64) {
    if deadline < nextSweep { nextSweep = deadline }
  }

  private func sweepIfDue() {
    if let time = acceptsAgainAt, now >= time { acceptAgain() }
    guard now >= nextSweep, now >= earliestSweep else { return }
    lastSweep = now
    nextSweep = .max
    for connection in connections {
      guard let connection else { continue }
      if connection.deadline <= now { connection.expire(in: self) }
      if connection.deadline < nextSweep { nextSweep = connection.deadline }
    }
  }

  // MARK: Connections

  private func acceptAll(_ socket: ListeningSocket, max: Int = Loop.acceptsMax) {
    var accepted = 0
    while accepted < max {
      guard hasRoom(socket.isControl) else { return setAccepting(false, socket.isControl) }
      do throws(SystemError) {
        guard let (rawValue, peer) = try syscalls.acceptSocket(socket.descriptor) else { return }
        accepted += 1
        try open(FileDescriptor(owning: rawValue), peer, isControl: socket.isControl)
      } catch {
        switch error.code {
        case ECONNABORTED, ENETDOWN, EPROTO, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
          EOPNOTSUPP, ENETUNREACH, EPERM, ETIMEDOUT:
          // accept(2): these are errors of the new connection.
          accepted += 1
        default:
          // No descriptors or no memory. The waiting client would be reported again and again, so
          // accepting pauses until a connection closes or some time has passed.
          acceptsAgainAt = now + limits.acceptPauseMilliseconds
          setAccepting(false, true)
          return setAccepting(false, false)
        }
      }
    }
  }

  private func open(
    _ descriptor: consuming FileDescriptor, _ peer: PeerAddress?, isControl: Bool
  ) throws(SystemError) {
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = free
    } else {
      slot = connections.count
      connections.append(nil)
    }
    connectionNumber = (connectionNumber + 1) & (1 << 32 - 1)
    let connection = Connection(
      descriptor, peer, slot: slot, token: connectionNumber << slotBits | UInt64(slot),
      isControl: isControl, in: self)
    do throws(SystemError) {
      try connection.start(in: self)
    } catch {
      freeSlots.append(slot)
      throw error
    }
    connections[slot] = connection
    if isControl { controlConnectionCount += 1 } else { connectionCount += 1 }
    listener.noteConnections(connectionCount)
  }

  /// Removes the connection, which closes its descriptor.
  func remove(_ connection: Connection) {
    connections[connection.slot] = nil
    freeSlots.append(connection.slot)
    if connection.isControl { controlConnectionCount -= 1 } else { connectionCount -= 1 }
    listener.noteConnections(connectionCount)
    if !accepts || !acceptsControl { acceptAgain() }
  }

  private func hasRoom(_ isControl: Bool) -> Bool {
    isControl
      ? controlConnectionCount < limits.controlConnectionsMax : connectionCount < connectionsMax
  }

  private func acceptAgain() {
    acceptsAgainAt = nil
    for isControl in [false, true] where hasRoom(isControl) { setAccepting(true, isControl) }
  }

  /// Starts or stops accepting on the sockets of that kind; meanwhile clients wait in the backlog.
  private func setAccepting(_ isAccepting: Bool, _ isControl: Bool) {
    guard (isControl ? acceptsControl : accepts) != isAccepting else { return }
    if isControl { acceptsControl = isAccepting } else { accepts = isAccepting }
    for socket in sockets where socket.isControl == isControl {
      do throws(SystemError) {
        try listener.poller.change(socket.descriptor, isAccepting ? .read : [], token: socket.token)
      } catch {
        preconditionFailure("A socket that is registered can be changed: \(error)")
      }
    }
  }

  /// The maximum number of connections by the limits and the file descriptors of the system.
  private static func connectionsMax(_ limits: HTTPLimits) -> Int {
    var limit = rlimit()
    var available = Int.max
    if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      available = Int(clamping: limit.rlim_cur)
    }
    let free = available - limits.descriptorsReserved - limits.controlConnectionsMax
    return max(1, min(limits.connectionsMax, free, Int(slotMask) / 2))
  }

  // MARK: The end

  private func drain(_ milliseconds: Int64) {
    drainDeadline = min(drainDeadline, now + max(0, milliseconds))
    guard !isDraining else { return }
    isDraining = true
    // Clients that connected before the drain are accepted and served, as far as there is room.
    for socket in sockets { acceptAll(socket, max: .max) }
    sockets = []
    listener.closeSockets()
    for connection in connections { connection?.drain(in: self) }
  }

  private func closeAll() {
    for connection in connections { connection?.close(in: self) }
  }
}

/// The number of low bits of tokens and exchanges that are the slot.
private let slotBits: UInt64 = 20
private let slotMask: UInt64 = 1 << slotBits - 1

/// The read buffer that all connections share.
@safe
final class ReadBuffer {
  private let storage: UnsafeMutableBufferPointer<UInt8>

  init(count: Int) {
    unsafe storage = .allocate(capacity: count)
    unsafe storage.initialize(repeating: 0)
  }

  deinit {
    unsafe storage.deallocate()
  }

  /// - Returns: the number of bytes, 0 at the end; nil if there are none yet.
  func receive(
    _ descriptor: borrowing FileDescriptor, _ syscalls: Syscalls
  ) throws(SystemError) -> Int? {
    try unsafe syscalls.receive(descriptor, into: UnsafeMutableRawBufferPointer(storage))
  }

  /// Lends the first bytes.
  func withBytes<Result>(_ count: Int, _ body: (Span<UInt8>) -> Result) -> Result {
    let bytes = unsafe Span(_unsafeElements: UnsafeBufferPointer(storage))
    return body(bytes.extracting(0..<count))
  }

  func append(_ range: Range<Int>, to array: inout [UInt8]) {
    unsafe array.append(contentsOf: storage[range])
  }
}
