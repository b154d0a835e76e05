import Foundation
import HTTP

/// The event loop of the server: waits for sockets, gives each connection its turn, checks
/// deadlines, and processes the mailbox of other threads. It is used only on the thread that calls
/// ``Listener/run(_:)``.
final class Loop {
  /// The maximum number of accepted connections before the others have their turn.
  static let acceptsMax = 64

  let listener: Listener
  let limits: HTTPLimits
  let syscalls: Syscalls
  let handler: any RequestHandler
  let buffer: ReadBuffer
  let budget: ByteBudget

  /// The time of this round; the clock is read once per round.
  private(set) var now: Int64
  /// The output of the connection whose turn it is; empty between turns.
  private(set) var outgoing: [UInt8] = []
  /// A long body, which follows ``outgoing`` and is not copied.
  private(set) var outgoingBody: (body: [UInt8], isKept: Bool)?

  private(set) var isDraining = false
  private var drainDeadline = Int64.max

  private(set) var sockets: [ListeningSocket]
  var acceptsAgainAt: Int64?
  /// Whether there is room for more connections over TCP, and over the control socket.
  var accepts = true
  var acceptsControl = true

  var connections: [Connection?] = []
  var freeSlots: [Int] = []
  var connectionCount = 0
  var controlConnectionCount = 0
  let connectionsMax: Int
  var connectionNumber: UInt64 = 0
  private var exchangeNumber: UInt64 = 0

  private var queued = TurnQueue()
  private var blocked: [Connection] = []
  /// The connections that wait for room in the budget, in order of arrival.
  private var starved: [Connection] = []
  /// The value of ``ByteBudget/returns`` when they were last looked at.
  private var returnsSeen: UInt64 = 0

  private var writer: ResponseWriter
  private var isDateRead = false

  private var lingering: [Connection] = []
  /// The connections that were closed in this second while the system had bytes for their clients:
  /// those of strangers, and others.
  private var unacknowledgedCloses = [0, 0]
  private var unacknowledgedSince = Int64.min / 2

  private var nextSweep = Int64.max
  private var lastSweep: Int64

  init(_ listener: Listener, _ sockets: [ListeningSocket], _ handler: any RequestHandler) {
    self.listener = listener
    self.sockets = sockets
    self.handler = handler
    limits = listener.configuration.limits
    syscalls = listener.configuration.syscalls
    buffer = ReadBuffer(count: limits.turnBytesMax)
    budget = ByteBudget(listener.configuration.byteLimits)
    now = listener.configuration.monotonicNow()
    lastSweep = now
    writer = ResponseWriter(wallSeconds: listener.configuration.wallSeconds)
    connectionsMax = ConnectionLimit(limits).connections
  }

  // MARK: Rounds

  func run() {
    let events = PollerEvents()
    while !(isDraining && connectionCount == 0 && controlConnectionCount == 0) {
      wait(events)
      now = listener.configuration.monotonicNow()
      isDateRead = false
      dispatch(events)
      takeTurns()
      takeMail()
      feed()
      sweepIfDue()
      listener.note(heldBytes: budget.bytes)
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

  /// Gives each ready connection its turn at once, for some time. If that is over, the rest is
  /// queued, so that those with many connections do not keep others waiting.
  private func dispatch(_ events: PollerEvents) {
    let end = now + limits.turnsMilliseconds
    var isOver = false
    for index in 0..<events.count {
      if index & 15 == 15, !isOver { isOver = listener.configuration.monotonicNow() >= end }
      dispatch(events[index], inQueue: isOver)
    }
  }

  private func dispatch(_ readiness: Readiness, inQueue: Bool) {
    if readiness.token == Poller.wakeToken { return }
    if readiness.token >= ListeningSocket.tokenBase {
      return acceptAll(sockets[Int(readiness.token - ListeningSocket.tokenBase)])
    }
    // A connection that was closed earlier in this round is gone, or its slot has another token.
    let slot = Int(readiness.token & slotMask)
    guard let connection = connections[slot], connection.token == readiness.token else { return }
    if inQueue, readiness.isReadable, !readiness.isFailed, !readiness.isWritable {
      connection.isReadable = true
      return queue(connection)
    }
    connection.handle(readiness, in: self)
  }

  private func takeTurns() {
    guard !queued.isEmpty else { return }
    let end = listener.configuration.monotonicNow() + limits.turnsMilliseconds
    for _ in 0..<queued.count {
      guard let connection = queued.next() else { return }
      connection.takeTurn(in: self)
      if listener.configuration.monotonicNow() >= end { return }
    }
  }

  /// Gives turns to connections that waited for room, as far as there is some now: first to those
  /// that hold some already, which end and give it back.
  private func feed() {
    guard !starved.isEmpty, budget.returns != returnsSeen else { return }
    returnsSeen = budget.returns
    var waiting: [Connection] = []
    swap(&waiting, &starved)
    var promised = 0
    let ordered = waiting.filter { $0.share.bytes > 0 } + waiting.filter { $0.share.bytes == 0 }
    for connection in ordered where connection.pause == .starved {
      guard connection.hasRoom(beside: promised, in: self) else {
        starved.append(connection)
        continue
      }
      promised += connection.bytesNeeded
      queue(connection)
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

  /// Lets a connection be read until its client closes. There are a few of them at a time, so that
  /// many refused clients do not cost as much as accepted ones; the oldest makes room.
  func addLingering(_ connection: Connection) {
    lingering.append(connection)
    if lingering.count > limits.lingeringMax { lingering.removeFirst().close(in: self) }
  }

  /// Forgets a connection that has lingered.
  func removeLingering(_ connection: Connection) {
    lingering.removeAll { $0 === connection }
  }

  var fewLinger: Bool { lingering.count <= limits.lingeringMax / 16 }

  /// Whether one more connection may be closed while the system still has bytes for its client.
  func mayLeaveUnacknowledged(isStranger: Bool) -> Bool {
    if now >= unacknowledgedSince + 1000 {
      unacknowledgedSince = now
      unacknowledgedCloses = [0, 0]
    }
    unacknowledgedCloses[isStranger ? 0 : 1] += 1
    return unacknowledgedCloses[isStranger ? 0 : 1] <= limits.unacknowledgedClosesMax
  }

  // MARK: What connections use

  /// Whether the addresses of clients tell them apart.
  var knowsClients: Bool { !listener.configuration.trustedProxies.isEmpty }

  /// The client of a request, which a trusted proxy may have passed on.
  func client(of head: RequestHead, from sender: PeerAddress?) -> PeerAddress? {
    let proxies = listener.configuration.trustedProxies
    guard let sender, !proxies.isEmpty else { return sender }
    return proxies.client(of: head, from: sender)
  }

  func queue(_ connection: Connection) {
    guard !connection.isQueued else { return }
    connection.isQueued = true
    queued.append(connection, of: knowsClients ? connection.client?.customer : nil)
  }

  /// Lets a connection wait for room in the budget.
  func addStarved(_ connection: Connection) {
    starved.append(connection)
    schedule(now)
  }

  /// The blocked connections in order of arrival, so that none waits forever when there is room
  /// only for some.
  func addBlocked(_ connection: Connection) {
    blocked.append(connection)
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
    let isLong = response.body.count >= limits.copiedBodyBytesMax && !context.isHead
    writer.write(response, context, to: &bytes, withBody: !isLong)
    swap(&bytes, &outgoing)
    if isLong { outgoingBody = (response.body, response.isKept) }
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
    outgoingBody = nil
  }

  // MARK: Deadlines

  private var earliestSweep: Int64 { lastSweep + limits.tickMilliseconds }

  /// Notes the deadline of a connection. There is no list: deadlines move with each request and
  /// rarely pass, so a periodic check of all connections is cheaper.
  func schedule(_ deadline: Int64) {
    if deadline < nextSweep { nextSweep = deadline }
  }

  private func sweepIfDue() {
    if let time = acceptsAgainAt, now >= time { tryAccepting() }
    guard now >= nextSweep, now >= earliestSweep else { return }
    lastSweep = now
    nextSweep = starved.isEmpty ? .max : now
    let starving = StarvingTenants(
      starved, among: connections, at: now - 2 * limits.stallMilliseconds)
    for connection in connections {
      guard let connection else { continue }
      if starving.need(connection, in: self) || connection === starving.last {
        listener.noteClosing(.stalled)
        connection.expire(in: self)
      } else if connection.deadline <= now {
        connection.expire(in: self)
      }
      if connection.deadline < nextSweep { nextSweep = connection.deadline }
    }
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
