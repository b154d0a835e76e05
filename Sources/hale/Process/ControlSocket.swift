import Glibc
import Outbound

/// The socket by which commands reach the service that runs on a data directory.
struct ControlSocket {
  let dataDirectory: String
  private let client: HTTPClient

  /// A job may have a large database to go through.
  private static let timeoutSeconds = 3600

  init(dataDirectory: String) {
    self.dataDirectory = dataDirectory
    client = HTTPClient(socketPath: dataDirectory + "/hale.sock")
  }

  /// - Returns: nil where no service runs.
  func send(
    _ method: String, _ path: String, body: [UInt8] = []
  ) throws(OutboundFailure) -> HTTPAnswer? {
    do throws(OutboundFailure) {
      return try client.send(
        HTTPCall(
          method, "http://localhost\(path)", body: body, timeoutSeconds: Self.timeoutSeconds))
    } catch {
      // None is there, or one that a killed service left behind.
      if error.cause == .unreachable(ENOENT) || error.cause == .unreachable(ECONNREFUSED) {
        return nil
      }
      throw error
    }
  }
}
