import ArgumentParser
import Outbound

struct SendCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "send",
    abstract: "Send envelope files to a DSN.",
    discussion: """
      Each file is sent unchanged as the body of one request; a gzip file gets its \
      Content-Encoding. '-' reads standard input. Prints the response to each, and exits with 1 if \
      one was rejected.

      200 means that the envelope is well-formed and its valid items are stored. The outcome of \
      each item is counted at /api/0/organizations/ORG/outcomes/.

        hale send session.envelope --dsn http://PUBLIC_KEY@127.0.0.1:8787/1
      """)

  /// The size limit of a file, in bytes: the service's limit for one decoded request.
  private static let bytesMax = 200 << 20

  @Argument(help: "The envelope files.", completion: .file())
  var files: [String]

  @Option(help: .of("dsn", "The DSN to send to."))
  var dsn: String

  func run() throws {
    let dsn = try DSN.sendable(dsn)
    let client = HTTPClient(caFile: try Settings(flags: []).notices.caFile)
    var areAllAccepted = true
    for file in files {
      let (outcome, isAccepted) = Self.outcome(of: file, sentTo: dsn, through: client)
      try printLine("\(file): \(outcome)")
      areAllAccepted = areAllAccepted && isAccepted
    }
    if !areAllAccepted { throw ExitCode.failure }
  }

  private static func outcome(
    of file: String, sentTo dsn: DSN, through client: HTTPClient
  ) -> (text: String, isAccepted: Bool) {
    do {
      let bytes = try readFile(file, bytesMax: bytesMax)
      let response = try dsn.post(bytes, through: client)
      if response.status == 200 { return ("200 \(response.text)", true) }
      return ("rejected with \(response.status): \(response.detail)", false)
    } catch {
      return (CommandFailure(error)?.message ?? "\(error)", false)
    }
  }
}

extension DSN {
  /// The time limit of a request; a service under load answers late rather than with an error.
  private static let timeoutSeconds = 300

  /// The DSN in a text, to send envelopes to.
  static func sendable(_ text: String) throws(CommandFailure) -> DSN {
    guard let dsn = DSN(text) else {
      throw .usage(
        "--dsn is '\(text)', but it takes a DSN: http://PUBLIC_KEY@HOST:PORT/PROJECT_ID.")
    }
    return dsn
  }

  /// Posts an envelope as SDKs do, with a Content-Encoding if it is a gzip file.
  func post(
    _ envelope: [UInt8], through client: HTTPClient
  ) throws(OutboundFailure) -> HTTPAnswer {
    var headers = [
      ("Content-Type", "application/x-sentry-envelope"),
      (
        "X-Sentry-Auth",
        "Sentry sentry_version=7, sentry_client=hale/\(haleVersion), sentry_key=\(publicKey)"
      ),
    ]
    // RFC 1952 §2.3.1: the two bytes that every gzip file starts with.
    if envelope.starts(with: [0x1f, 0x8b]) { headers.append(("Content-Encoding", "gzip")) }
    return try client.send(
      HTTPCall(
        "POST", server.origin + envelopePath, headers: headers, body: envelope,
        timeoutSeconds: Self.timeoutSeconds))
  }
}
