import ArgumentParser
import Outbound

struct HealthCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health",
    abstract: "Check whether a service is up.",
    discussion: """
      Requests /healthz at the listen address, or under --url. With --data it queries the service \
      that runs on that directory, whatever its address is. Exits with 0 if the response comes \
      within three seconds, and with 1 otherwise. Meant for the health check of a container.

        hale health --listen 127.0.0.1:8787
        hale health --data /var/lib/hale
      """)

  @Option(.listen)
  var listen: String?

  @Option(help: .of("url", "The service to check, for example http://hale:8787."))
  var url: String?

  @Option(.data, completion: .directory)
  var data: String?

  @Option(.configuration, completion: .file())
  var config: String?

  private static let timeoutSeconds = 3

  func run() throws {
    if let data { return try check(directory: data) }
    let address = try address()
    let response = try HTTPClient().send(
      HTTPCall(
        "GET", address.origin + address.path + "/healthz", timeoutSeconds: Self.timeoutSeconds))
    guard response.status == 200 else {
      throw CommandFailure.failed("\(address.text) answered \(response.status): \(response.detail)")
    }
    try printLine("\(address.text) is up.")
  }

  private func check(directory: String) throws {
    guard url == nil, listen == nil else {
      throw CommandFailure.usage("--data names the service: give it without --url and --listen.")
    }
    let service = ControlSocket(dataDirectory: directory)
    let response = try service.send(
      "GET", "/control/clock", timeoutSeconds: Self.timeoutSeconds)
    guard let response else {
      throw CommandFailure.failed("No service runs on \(directory).")
    }
    guard response.status == 200 else { throw service.failure(response) }
    try printLine("The service on \(directory) is up.")
  }

  private func address() throws(CommandFailure) -> WebAddress {
    if let url {
      guard let address = WebAddress(publicURL: url), address.scheme == "http" else {
        throw .usage(
          "--url is '\(url)', but it takes an http:// address, for example http://hale:8787.")
      }
      return address
    }
    let settings = try Settings(flags: [(.listen, listen), (.configuration, config)])
    return WebAddress(listening: settings.listen.reachable)
  }
}
