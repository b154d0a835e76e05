import Glibc
import Outbound

/// The control socket, over which commands reach the service that runs on a data directory.
struct ControlSocket {
  let dataDirectory: String
  private let client: HTTPClient

  init(dataDirectory: String) {
    self.dataDirectory = dataDirectory
    client = HTTPClient(socketPath: dataDirectory + "/hale.sock")
  }

  /// - Parameter timeoutSeconds: a job may work through a large database.
  /// - Returns: nil where no service runs.
  func send(
    _ method: String, _ path: String, body: [UInt8] = [], timeoutSeconds: Int = 3600
  ) throws(OutboundFailure) -> HTTPAnswer? {
    do throws(OutboundFailure) {
      return try client.send(
        HTTPCall(
          method, "http://localhost\(path)", body: body, timeoutSeconds: timeoutSeconds))
    } catch {
      // There is no socket, or only the file that a killed service left.
      if error.cause == .unreachable(ENOENT) || error.cause == .unreachable(ECONNREFUSED) {
        return nil
      }
      throw error
    }
  }

  /// The failure of a command to which the service gave this response.
  func failure(_ response: HTTPAnswer) -> CommandFailure {
    .failed("The service on \(dataDirectory) answered \(response.status): \(response.detail)")
  }
}
