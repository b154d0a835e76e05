import Outbound
import ReleaseHealth

/// A receiver of made-up traffic.
protocol DemoSink {
  /// The time on the receiver's clock.
  func now() throws -> Timestamp

  /// Sends an envelope that counts as arriving at a time.
  func send(_ envelope: [UInt8], to project: ProjectID, at time: Timestamp) throws

  /// Returns once everything that was sent is stored.
  func commit() throws

  /// Determines the adoption stages for an hour that is over.
  func adopt(_ projects: [ProjectID], hour: Int) throws

  /// Called once, when everything is sent.
  func finish(at now: Timestamp) throws
}

/// The service that runs on a data directory: its control socket accepts envelopes of any age.
struct ServiceDemoSink: DemoSink {
  private let socket: ControlSocket

  /// - Returns: nil where no service runs.
  init?(dataDirectory: String) throws {
    socket = ControlSocket(dataDirectory: dataDirectory)
    guard try socket.send("GET", "/control/clock") != nil else { return nil }
  }

  func now() throws -> Timestamp {
    guard let time = try answer("GET", "/control/clock").time else {
      throw CommandFailure.failed("unexpected clock response")
    }
    return time
  }

  func send(_ envelope: [UInt8], to project: ProjectID, at time: Timestamp) throws {
    let place = "/control/projects/\(project.rawValue)/envelopes/\(time.milliseconds)"
    _ = try answer("POST", place, body: envelope)
  }

  func commit() {}

  func adopt(_ projects: [ProjectID], hour: Int) throws {
    for project in projects {
      _ = try answer("POST", "/control/projects/\(project.rawValue)/adoption/\(hour)")
    }
  }

  func finish(at now: Timestamp) {}

  private func answer(
    _ method: String, _ path: String, body: [UInt8] = []
  ) throws -> HTTPAnswer {
    guard let response = try socket.send(method, path, body: body) else {
      throw CommandFailure.failed("The service on \(socket.dataDirectory) has ended.")
    }
    guard response.status == 200 else { throw socket.failure(response) }
    return response
  }
}

/// A service that is reached by a DSN, as SDKs reach it and with their limits.
struct DSNDemoSink: DemoSink {
  let dsn: DSN
  let client: HTTPClient
  let clock: SystemClock

  func now() -> Timestamp { clock.now() }

  func send(_ envelope: [UInt8], to project: ProjectID, at time: Timestamp) throws {
    let response = try dsn.post(envelope, through: client)
    guard response.status == 200 else {
      throw CommandFailure.failed(
        "\(dsn.server.origin) answered \(response.status): \(response.detail)")
    }
  }

  func commit() {}
  func adopt(_ projects: [ProjectID], hour: Int) {}
  func finish(at now: Timestamp) {}
}
