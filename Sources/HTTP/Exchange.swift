/// HTTP/1.1 as values: requests, responses, their parsing and writing, and what a server that
/// moves the bytes asks of the code that answers.
///
/// Invariant of this module: it never reads or writes a socket, and its memory is bounded.

/// Names a request that waits for its answer, as long as its connection lives.
package struct ExchangeID: Hashable, Sendable {
  package let rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }
}

/// Takes answers, from any thread, for requests that were left pending.
package protocol ResponseSink: AnyObject, Sendable {
  /// Answers every one of the exchanges with the same response; those whose connection has gone
  /// are passed over. One wake-up of the loop for all of them.
  func respond(_ response: Response, to exchanges: [ExchangeID])

  /// Body readers that were ``BodyProgress/blocked`` are asked again.
  func resumeBlocked()
}

/// Answers requests. Called on the loop thread only, and never blocks.
package protocol RequestHandler: AnyObject {
  /// - Parameters:
  ///   - head: the request but for its body.
  ///   - exchange: by which the ``ResponseSink`` can be told the answer later.
  func begin(_ head: RequestHead, exchange: ExchangeID) -> RequestDisposition

  /// The exchange ended without its answer: the client went away or a deadline passed.
  func abandon(_ exchange: ExchangeID)
}

/// What becomes of a request once its head is known.
package enum RequestDisposition {
  /// Answered at once; a body is read and thrown away, or the connection closed after the answer.
  case respond(Response)
  /// The ``ResponseSink`` gets the answer later; a body is read and thrown away.
  case pending
  /// The body goes to the reader, which decides.
  case read(any BodyReader)
}

/// Reads the body of one request as it comes in. Called on the loop thread only.
package protocol BodyReader: AnyObject {
  /// Reading may take long for few bytes: it is done when those that are quickly served were.
  var isCostly: Bool { get }

  /// Takes bytes of the body, the chunked framing already removed.
  ///
  /// - Parameter bytes: what is there; empty when the reader is asked again after
  ///   ``BodyProgress/again(consumed:)`` and nothing new came.
  func read(_ bytes: Span<UInt8>) -> BodyProgress

  /// The body is complete and all of it was consumed.
  func end() -> BodyProgress
}

extension BodyReader {
  package var isCostly: Bool { false }
}

/// How far a body reader came.
package enum BodyProgress {
  /// Took this many bytes (after `end`: nothing is left to do) and wants the next ones.
  case more(consumed: Int)
  /// Took this many bytes and has work left on what it took: it is to be called again, with the
  /// rest, after other connections had their turn.
  case again(consumed: Int)
  /// Can take nothing now, because something behind it is full: it is to be called again after
  /// ``ResponseSink/resumeBlocked()``; until then nothing more is read from the connection.
  case blocked
  /// The answer; what is left of the body is thrown away.
  case respond(Response)
  /// The answer comes through the ``ResponseSink``. After `end` only.
  case pending
}
