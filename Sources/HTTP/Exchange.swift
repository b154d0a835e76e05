/// HTTP/1.1 as values: requests and responses with their parser and writer, and the protocols
/// between the server and its handlers.
///
/// Invariant of this module: it uses no sockets, and its memory is bounded.

/// The identity of a request that waits for its answer.
package struct ExchangeID: Hashable, Sendable {
  package let rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }
}

/// Accepts answers of pending requests from any thread.
package protocol ResponseSink: AnyObject, Sendable {
  /// Answers all of the exchanges with the same response and one wake-up of the loop; exchanges
  /// whose connection is closed are ignored.
  func respond(_ response: Response, to exchanges: [ExchangeID])

  /// Calls body readers that were ``BodyProgress/blocked`` again.
  func resumeBlocked()
}

/// Handles requests. It is called on the loop thread only, and must not block.
package protocol RequestHandler: AnyObject {
  /// - Parameters:
  ///   - exchange: the identity for an asynchronous answer through the ``ResponseSink``.
  ///   - tenant: set to the tenant of a request that is accepted by its head; nil at first.
  func begin(
    _ head: RequestHead, exchange: ExchangeID, tenant: inout Tenant?
  ) -> RequestDisposition

  /// Notes that the exchange ended without an answer: the client disconnected or a timeout passed.
  func abandon(_ exchange: ExchangeID)
}

/// The handler's decision about a request after its head.
package enum RequestDisposition {
  /// The answer; a body is discarded, or the connection is closed after the answer.
  case respond(Response)
  /// The answer comes through the ``ResponseSink``; a body is discarded.
  case pending
  /// The reader gets the body and decides.
  case read(any BodyReader)
}

/// Reads the body of one request as it arrives. It is called on the loop thread only.
package protocol BodyReader: AnyObject {
  /// Whether few bytes may take long: such a reader is called after the fast connections.
  var isCostly: Bool { get }

  /// The tenant of a request that is accepted by what its body has; nil until it is.
  var tenant: Tenant? { get }

  /// The number of bytes that it holds: parts of the body, and what was made of them.
  var heldBytes: Int { get }

  /// The number of bytes by which ``heldBytes`` may grow when it reads these: without room for
  /// them it is not called.
  func bytesNeeded(for bytes: Span<UInt8>) -> Int

  /// Reads bytes of the body, without chunked framing.
  ///
  /// - Parameter bytes: the available bytes; empty after ``BodyProgress/again(consumed:)`` if
  ///   nothing new arrived.
  func read(_ bytes: Span<UInt8>) -> BodyProgress

  /// Ends the body, all of which was consumed.
  func end() -> BodyProgress
}

extension BodyReader {
  package var isCostly: Bool { false }
  package var tenant: Tenant? { nil }
  package var heldBytes: Int { 0 }
  package func bytesNeeded(for bytes: Span<UInt8>) -> Int { 0 }
}

/// The progress of a body reader.
package enum BodyProgress {
  /// The reader consumed this many bytes and needs more; after `end`, nothing is left to do.
  case more(consumed: Int)
  /// The reader consumed this many bytes and has more work on them: it is called again with the
  /// rest after other connections had their turn.
  case again(consumed: Int)
  /// The reader cannot consume anything, because a queue is full: it is called again after
  /// ``ResponseSink/resumeBlocked()``, and the connection is not read until then.
  case blocked
  /// The answer; the rest of the body is discarded.
  case respond(Response)
  /// The answer comes through the ``ResponseSink``; valid after `end` only.
  case pending
}
