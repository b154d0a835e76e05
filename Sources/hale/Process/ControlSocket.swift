import Glibc

/// The socket by which commands reach the service that runs on a data directory.
struct ControlSocket: Sendable {
  let dataDirectory: String

  /// A job may have a large database to go through.
  private static let client = HTTPClient(timeoutMilliseconds: 3_600_000)

  /// - Returns: nil where no service runs.
  func send(
    _ method: String, _ path: String, body: [UInt8] = []
  ) throws(HTTPClientError) -> HTTPClientResponse? {
    var request = HTTPClientRequest(method: method, path: path, authority: "localhost")
    request.body = body
    do throws(HTTPClientError) {
      return try Self.client.send(
        request, to: .unix(directory: dataDirectory, name: "hale.sock"))
    } catch {
      guard error.isOfNoService else { throw error }
      return nil
    }
  }
}

extension HTTPClientError {
  /// Whether nothing takes connections on a socket: none is there, or one that a killed service
  /// left behind.
  fileprivate var isOfNoService: Bool {
    guard case .unreachable(_, let number) = self else { return false }
    return number == ENOENT || number == ECONNREFUSED
  }
}
