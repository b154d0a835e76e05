/// Every number that the server refuses to exceed.
package struct HTTPLimits: Sendable {
  /// Bytes of a head, with its empty line. SDKs send less than one kilobyte; browsers with many
  /// cookies come near eight.
  package var headBytesMax = 16 * 1024

  /// Fields of a head: each costs a few words beside its bytes. Browsers send about 20.
  package var headerFieldsMax = 100

  /// Bytes of a body as sent, compressed or not. An envelope may have 200 MiB decoded, and nothing
  /// makes a client compress it.
  package var bodyBytesMax = 200 * 1024 * 1024

  /// Bytes of the line that begins a chunk: 16 digits, and room for extensions that nobody uses.
  package var chunkLineBytesMax = 256

  /// How much more chunk framing than data there may be, beyond 16 bytes and twice the data for
  /// each chunk. Without it, chunks of one byte with long extensions are work that no limit on the
  /// body sees.
  package var chunkFramingExcessBytesMax = 16 * 1024

  /// Bytes of the trailer section of a chunked body. It is dropped, so that it only costs time.
  package var trailerBytesMax = 8 * 1024

  /// Bytes of a body that are read and thrown away behind an early answer, so that the connection
  /// can be kept. A new connection costs less than reading more than that.
  package var discardedBytesMax = 256 * 1024

  /// Bytes that are kept of what a client sends behind a request that waits for its answer. Beyond
  /// it the socket is not read, and TCP tells the client to wait.
  package var pipelinedBytesMax = 64 * 1024

  /// Bytes of a body that a reader is handed before every other ready connection gets a turn.
  package var turnBytesMax = 64 * 1024

  /// For so long those that wait for their turn get it, one after the other, before the sockets are
  /// looked at again: one costly body at least, and no more than a few milliseconds of others.
  package var turnsMilliseconds: Int64 = 5

  /// Connections at a time; more wait in the backlog of the system. Each idle one costs about half
  /// a kilobyte here, and some kilobytes in the kernel.
  package var connectionsMax = 10_000

  /// Descriptors that are left to the rest of the process (database, logs, mail) when the limit of
  /// the system caps the connections.
  package var descriptorsReserved = 128

  /// Connections over the control socket, which do not count among the others: the operator has to
  /// get in when the server is full.
  package var controlConnectionsMax = 16

  /// From the first byte of a head (or from the accept, before any) to its last. A head fits in a
  /// few packets; slower than this is somebody who holds connections on purpose.
  package var headDeadlineMilliseconds: Int64 = 10_000

  /// How long a connection is kept between requests. Longer than the minute in which SDKs flush
  /// sessions, so that they find it open.
  package var idleDeadlineMilliseconds: Int64 = 75_000

  /// What each body may take, whatever its rate: a phone in a tunnel.
  package var bodyGraceMilliseconds: Int64 = 30_000

  /// The rate that a body must have beyond the grace; not zero. Slower than any network in use, and
  /// it bounds the largest body to hours.
  package var bodyBytesPerSecondMin = 8 * 1024

  /// How long an answer may wait without the client taking a byte of it.
  package var writeStallMilliseconds: Int64 = 30_000

  /// How long the rest of a request is thrown away after an answer that ends the connection. A
  /// close with bytes unread makes the system send a reset, which can take the answer from a client
  /// that has not read it yet (RFC 9112 §9.6).
  package var lingerMilliseconds: Int64 = 5_000

  /// How long no connection is accepted after the system had no descriptor for one, unless one of
  /// ours closes before.
  package var acceptPauseMilliseconds: Int64 = 250

  /// The least time between two looks at the deadlines of all connections, and so how late one may
  /// strike.
  package var tickMilliseconds: Int64 = 100

  package init() {}
}
