package import HTTP

/// Collects a body: at most 1 MiB of a change, and less where nobody is signed in.
package final class APIBodyReader: BodyReader {
  package let tenant: Tenant?
  private let bytesMax: Int
  private var body: [UInt8] = []
  private let complete: ([UInt8]) -> RequestDisposition

  /// The maximum size of the body of a change.
  package static let changeBytesMax = 1 << 20
  /// The maximum size of a body from someone who is not signed in.
  package static let strangerBytesMax = 4 << 10

  /// - Parameter tenant: nil for someone who is not signed in.
  package init(
    of tenant: Tenant?, _ complete: @escaping ([UInt8]) -> RequestDisposition
  ) {
    self.tenant = tenant
    bytesMax = tenant == nil ? Self.strangerBytesMax : Self.changeBytesMax
    self.complete = complete
  }

  package var heldBytes: Int { body.capacity }

  package func bytesNeeded(for bytes: Span<UInt8>) -> Int {
    // An array doubles its room.
    body.capacity - body.count >= bytes.count ? 0 : body.capacity + 2 * bytes.count
  }

  package func read(_ bytes: Span<UInt8>) -> BodyProgress {
    if body.count + bytes.count > bytesMax {
      return .respond(.failure(413, "the body is longer than \(bytesMax) bytes"))
    }
    for index in bytes.indices { body.append(bytes[index]) }
    return .more(consumed: bytes.count)
  }

  package func end() -> BodyProgress {
    switch complete(body) {
    case .respond(let response): .respond(response)
    case .pending, .read: .pending
    }
  }
}
