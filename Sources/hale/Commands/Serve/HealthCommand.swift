import ArgumentParser
import Outbound

struct HealthCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health",
    abstract: "Check whether a service is up.",
    discussion: """
      Requests /healthz at the listen address, or under --url. Exits with 0 if the response comes \
      within three seconds, and with 1 otherwise. Meant for the health check of a container.

        hale health --listen 127.0.0.1:8787
      """)

  @Option(.listen)
  var listen: String?

  @Option(help: .of("url", "The service to check, for example http://hale:8787."))
  var url: String?

  @Option(.configuration, completion: .file())
  var config: String?

  func run() throws {
    let address = try address()
    let response = try HTTPClient().send(
      HTTPCall("GET", address.origin + address.path + "/healthz", timeoutSeconds: 3))
    guard response.status == 200 else {
      throw CommandFailure.failed("\(address.text) answered \(response.status): \(response.detail)")
    }
    try printLine("\(address.text) is up.")
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
