/// The reason for which an envelope is rejected as a whole.
///
/// Status, detail and causes are Relay's (`EnvelopeError` of `relay-server/src/envelope/mod.rs`),
/// because SDKs log them and people search for them.
package enum EnvelopeError: Error, Equatable, Sendable {
  /// The envelope ends inside a payload whose length was given.
  case unexpectedEnd
  /// The envelope has only white space.
  case missingHeader
  /// Other bytes follow where a header or a payload must end.
  case missingNewline
  /// The envelope's header is not JSON, or a known key has an invalid value.
  case invalidEnvelopeHeader(HeaderFault)
  /// An item's header is not JSON, or a known key has an invalid value.
  case invalidItemHeader(HeaderFault)
  /// The header's `dsn` has another project than the request.
  case projectMismatch
  /// The header's `dsn` has another key than the request.
  case publicKeyMismatch
  /// The header's `origin` is not the request's.
  case originMismatch
  /// The envelope has more items than ``EnvelopeLimits/itemsMax``.
  case tooManyItems
  /// The envelope has more items than ``EnvelopeLimits/sessionItemsMax``.
  case tooManySessionItems
  /// The envelope is longer than ``EnvelopeLimits/envelopeBytesMax``.
  case tooLong

  /// The status of the response.
  package var status: Int {
    switch self {
    case .tooManyItems, .tooManySessionItems, .tooLong: 413
    default: 400
    }
  }

  /// The sentence for people.
  package var detail: String {
    switch self {
    case .tooManyItems:
      "envelope exceeded size limits (more than \(EnvelopeLimits.itemsMax) items)"
    case .tooManySessionItems:
      "envelope exceeded size limits for type 'session' "
        + "(more than \(EnvelopeLimits.sessionItemsMax) items)"
    case .tooLong:
      "envelope exceeded size limits (more than \(EnvelopeLimits.envelopeBytesMax >> 20) MiB)"
    default: "invalid event envelope"
    }
  }

  /// The causes, outermost first.
  package var causes: [String] {
    switch self {
    case .unexpectedEnd: ["unexpected end of file"]
    case .missingHeader: ["missing envelope header"]
    case .missingNewline: ["missing newline after header or payload"]
    case .invalidEnvelopeHeader(let fault): ["invalid envelope header", fault.description]
    case .invalidItemHeader(let fault): ["invalid item header", fault.description]
    case .projectMismatch: ["project id header mismatch between envelope and request"]
    case .publicKeyMismatch: ["public key header mismatch between envelope and request"]
    case .originMismatch: ["origin header mismatch between envelope and request"]
    case .tooManyItems, .tooManySessionItems, .tooLong: []
    }
  }
}

/// The fault of a header's JSON.
package enum HeaderFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// The header is not a JSON object.
  case malformed
  /// The envelope ends before the header does.
  case truncated
  /// The header is longer than ``EnvelopeLimits/headerBytesMax``.
  case tooLong
  /// The key occurs twice. Relay's parser refuses that, too; either value would be a guess.
  case duplicate(HeaderKey)
  /// The key's value has the wrong type or cannot be parsed.
  case invalid(HeaderKey)
  /// A required key is missing.
  case missing(HeaderKey)

  package var description: String {
    switch self {
    case .malformed: "expected a JSON object"
    case .truncated: "EOF while parsing an object"
    case .tooLong: "longer than \(EnvelopeLimits.headerBytesMax) bytes"
    case .duplicate(let key): "duplicate field `\(key.name)`"
    case .invalid(let key): "invalid value for `\(key.name)`"
    case .missing(let key): "missing field `\(key.name)`"
    }
  }
}

/// The keys of headers that Hale reads; all others are ignored.
package enum HeaderKey: UInt8, Hashable, Sendable {
  case eventID
  case dsn
  case sentAt
  case origin
  case type
  case length

  /// The key on the wire.
  package var name: String {
    switch self {
    case .eventID: "event_id"
    case .dsn: "dsn"
    case .sentAt: "sent_at"
    case .origin: "origin"
    case .type: "type"
    case .length: "length"
    }
  }
}
