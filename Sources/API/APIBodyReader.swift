package import HTTP

/// Collects the body of a change: at most 1 MiB.
package final class APIBodyReader: BodyReader {
  private var body: [UInt8] = []
  private let complete: ([UInt8]) -> RequestDisposition

  private static let bytesMax = 1 << 20

  package init(_ complete: @escaping ([UInt8]) -> RequestDisposition) {
    self.complete = complete
  }

  package func read(_ bytes: Span<UInt8>) -> BodyProgress {
    if body.count + bytes.count > Self.bytesMax {
      return .respond(.failure(413, "the body is longer than \(Self.bytesMax) bytes"))
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
