import FoundationEssentials
import Outbound
import ReleaseHealth
import Storage

/// Where made-up traffic goes.
protocol DemoSink {
  /// The time of whoever counts it.
  func now() throws -> Timestamp

  /// Hands an envelope over, as one that arrives at a time.
  func send(_ envelope: [UInt8], to project: ProjectID, at time: Timestamp) throws

  /// What was handed over so far is stored, once this returns.
  func commit() throws

  /// Has the stages of adoption found of an hour that is over.
  func adopt(_ projects: [ProjectID], hour: Int) throws

  /// What comes when the history is over.
  func finish(at now: Timestamp) throws
}

/// The service that runs on a data directory: it takes envelopes of any time over its socket.
struct ServiceDemoSink: DemoSink {
  private let socket: ControlSocket

  /// - Returns: nil where no service runs.
  init?(dataDirectory: String) throws {
    socket = ControlSocket(dataDirectory: dataDirectory)
    guard try socket.send("GET", "/control/clock") != nil else { return nil }
  }

  private struct Clock: Decodable {
    let now: String
  }

  func now() throws -> Timestamp {
    let body = try answer("GET", "/control/clock").body
    guard let clock = try? JSONDecoder().decode(Clock.self, from: Data(body)),
      let time = Timestamp(rfc3339: clock.now)
    else { throw CommandFailure.failed("The service does not tell its time.") }
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
    guard response.status == 200 else {
      throw CommandFailure.failed(
        "The service on \(socket.dataDirectory) answered \(response.status): \(response.detail)")
    }
    return response
  }
}

/// Any service, by a DSN: as SDKs send, and with their limits.
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
