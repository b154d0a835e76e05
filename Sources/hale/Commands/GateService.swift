import FoundationEssentials
import Outbound

/// The part of the gate's response that the command prints.
struct GateReport: Decodable {
  struct Side: Decodable {
    struct Corrected: Decodable {
      let value: Double
    }

    let release: String
    let sessions: Int64
    let crashed: Int64
    let failed: Int64?
    let crashFreeSessions: Double?
    let failureFreeSessions: Double?
    let corrected: Corrected?
    let known: String
    /// The numbers of the same hours that are known now; nil from a service before version 0.3.
    let now: Now?
  }

  struct Now: Decodable {
    let sessions: Int64
    let crashed: Int64
    let failed: Int64
    let users: Int64
    let crashedUsers: Int64
    let failedUsers: Int64
  }

  struct Delay: Decodable {
    let isLearnt: Bool
    let knownShare: Double
  }

  let verdict: String
  let reason: String
  /// What was bad; nil from services of up to 0.2.0, where only crashes are.
  let bad: String?
  let hint: String?
  let ageHours: Int
  let asOf: String?
  let candidate: Side
  let baseline: Side?
  let reportingDelay: Delay
}

/// The service that answers the gate's queries: at an address, or on the data directory.
struct GateService {
  enum Outcome {
    /// The report, and its JSON.
    case report(GateReport, text: String)
    /// The release has no sessions yet.
    case missing(String)
    /// The service cannot be reached at the moment; it may be restarting.
    case unreachable(String)
  }

  private let address: WebAddress?
  private let token: String
  private let dataDirectory: String
  private let client: HTTPClient

  init(_ command: GateCommand) throws {
    let variables = ProcessInfo.processInfo.environment
    token = command.token ?? variables["HALE_TOKEN"] ?? variables["SENTRY_AUTH_TOKEN"] ?? ""
    let settings = try Settings(flags: command.data.given)
    dataDirectory = settings.dataDirectory
    client = HTTPClient(caFile: settings.notices.caFile)
    guard let url = command.url else {
      address = nil
      return
    }
    guard let address = WebAddress(publicURL: url) else {
      throw CommandFailure.usage(
        "--url is '\(url)', but it takes an http:// or https:// address, for example "
          + "https://hale.example.com.")
    }
    guard !token.isEmpty else {
      throw CommandFailure.usage(
        "--url needs a token: give --token, or set HALE_TOKEN. `hale token create ci` creates one.")
    }
    self.address = address
  }

  func query(_ target: String) throws -> Outcome {
    let response: HTTPAnswer
    do {
      response = try send(target)
    } catch let error as OutboundFailure {
      return .unreachable(error.sentence)
    } catch let error as CommandFailure where address == nil {
      return .unreachable(error.message)
    }
    guard response.status == 200 else {
      let message = "The service answered \(response.status): \(response.detail)"
      if response.status == 404, response.missing == "release" { return .missing(message) }
      if response.status >= 500 { return .unreachable(message) }
      throw CommandFailure.failed(message)
    }
    guard let report = try? JSONDecoder().decode(GateReport.self, from: Data(response.body)) else {
      throw CommandFailure.failed("unexpected gate response: \(response.text)")
    }
    return .report(report, text: response.text)
  }

  private func send(_ target: String) throws -> HTTPAnswer {
    if let address {
      return try client.send(
        HTTPCall(
          "GET", "\(address.origin)\(address.path)/api/0/\(target)",
          headers: [("Authorization", "Bearer \(token)")], timeoutSeconds: 60))
    }
    let service = ControlSocket(dataDirectory: dataDirectory)
    guard let response = try service.send("GET", "/control/api/0/" + target) else {
      throw CommandFailure.failed(
        "No service runs on \(dataDirectory). Give its directory with --data, or its address with "
          + "--url.")
    }
    return response
  }
}

extension HTTPAnswer {
  /// The kind of thing that is missing, if the service names it; a wrong address is a 404, too.
  fileprivate var missing: String? {
    struct ErrorBody: Decodable {
      let missing: String
    }
    return (try? JSONDecoder().decode(ErrorBody.self, from: Data(body)))?.missing
  }
}
