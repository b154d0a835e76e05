/// The limits of the server.
package struct HTTPLimits: Sendable {
  /// The maximum size of a head in bytes, with its empty line. SDKs send less than one kilobyte;
  /// browsers with many cookies come near eight.
  package var headBytesMax = 16 * 1024

  /// The maximum number of header fields: each takes a few words besides its bytes. Browsers send
  /// about 20.
  package var headerFieldsMax = 100

  /// The maximum size of a body as sent, compressed or not, in bytes. An envelope may have 200 MiB
  /// decoded, and clients need not compress it.
  package var bodyBytesMax = 200 * 1024 * 1024

  /// The maximum length of the size line of a chunk in bytes: 16 digits, and extensions, which
  /// nobody uses.
  package var chunkLineBytesMax = 256

  /// The maximum of excess chunk framing in bytes, beyond 16 bytes and twice the data for each
  /// chunk. Without it, one-byte chunks with long extensions cause work that no limit of the body
  /// covers.
  package var chunkFramingExcessBytesMax = 16 * 1024

  /// The maximum size of the trailer section of a chunked body in bytes. It is discarded.
  package var trailerBytesMax = 8 * 1024

  /// The maximum number of bytes of a body that are read and discarded after an early answer, to
  /// keep the connection. Beyond that a new connection is cheaper.
  package var discardedBytesMax = 256 * 1024

  /// The maximum number of buffered bytes after a request that waits for its answer. Beyond that
  /// the socket is not read, so TCP flow control stops the client.
  package var pipelinedBytesMax = 64 * 1024

  /// The maximum number of bytes that are received at once from a client without an accepted
  /// request.
  package var strangerBytesMax = 16 * 1024

  /// The size from which a body of an answer is not copied behind its head.
  package var copiedBodyBytesMax = 16 * 1024

  /// The number of bytes of a body that a reader gets before the other ready connections get a
  /// turn.
  package var turnBytesMax = 64 * 1024

  /// The time during which queued connections get turns before the sockets are polled again: at
  /// least one costly body, and at most some of others. An answer waits for the end of that time.
  package var turnsMilliseconds: Int64 = 2

  /// The maximum number of connections; further ones wait in the backlog of the system. An idle
  /// connection takes about half a kilobyte here, and some kilobytes in the kernel.
  package var connectionsMax = 10_000

  /// The number of file descriptors that are reserved for the rest of the process (database, logs,
  /// mail) if the limit of the system caps the connections.
  package var descriptorsReserved = 128

  /// The number of them that the process cannot do without.
  package var descriptorsNeeded = 40

  /// The maximum number of connections over the control socket. They are counted separately, so
  /// that the operator can connect when the server is full.
  package var controlConnectionsMax = 16

  /// The timeout of a head, from its first byte (or from the accept) to its last. A head fits in a
  /// few packets; a slower client holds connections on purpose.
  package var headDeadlineMilliseconds: Int64 = 10_000

  /// The time for which a new connection is not closed in favour of others. Its request is on its
  /// way already: a client sends it when the connection stands, and waits for nothing.
  package var newMilliseconds: Int64 = 100

  /// The timeout of an idle connection. It is longer than the minute after which SDKs flush
  /// sessions, so that they can reuse the connection.
  package var idleDeadlineMilliseconds: Int64 = 75_000

  /// The time that each body may take at any rate, such as from a phone in a tunnel.
  package var bodyGraceMilliseconds: Int64 = 30_000

  /// The minimum rate of a body after the grace time; not zero. It is lower than that of any
  /// network in use, and bounds the largest body to hours.
  package var bodyBytesPerSecondMin = 8 * 1024

  /// The timeout of an answer of which the client reads no byte.
  package var writeStallMilliseconds: Int64 = 30_000

  /// The time after which a client that holds memory and sends or reads nearly nothing gives way to
  /// those that wait for room.
  package var stallMilliseconds: Int64 = 2_000

  /// The time after which such a client gives way where connections are short; twice as much for
  /// one with an accepted request.
  package var crowdedStallMilliseconds: Int64 = 1_000

  /// The number of connections, of strangers and of others, that may be closed in a second before
  /// their clients have what was sent. Beyond that they are reset.
  package var unacknowledgedClosesMax = 500

  /// The time after which a client that closed its sending side is probed: whether it still waits
  /// for its answer.
  package var probeMilliseconds: Int64 = 1_000

  /// The time during which the rest of a request is discarded after the last answer of a
  /// connection. A close with unread bytes sends a reset, by which a client can lose the answer
  /// (RFC 9112 §9.6).
  package var lingerMilliseconds: Int64 = 5_000

  /// The number of connections of which the rest is discarded at a time.
  package var lingeringMax = 256

  /// The pause of accepting after the system is out of file descriptors. It ends early when a
  /// connection closes.
  package var acceptPauseMilliseconds: Int64 = 250

  /// The minimum interval between checks of all deadlines, and so the maximum delay of a timeout.
  package var tickMilliseconds: Int64 = 100

  package init() {}
}
