import ArgumentParser
import Outbound

struct SendCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "send",
    abstract: "Post envelope files to a DSN and say what became of each.",
    discussion: """
      Each file is the body of one request, sent as it is; one that is packed with gzip is \
      announced as such. '-' stands for standard input. Exits with 1 where any was not taken.

      200 says that an envelope was whole and what is good of it is stored; what became of each \
      item, the service says at /api/0/organizations/ORG/outcomes/.

        hale send session.envelope --dsn http://8c2e5bd1f3a04c7a9d1e6f0b2a7c4d55@127.0.0.1:8787/1
      """)

  /// What the service takes at most in one request, decoded; a file is never larger than that.
  private static let bytesMax = 200 << 20

  @Argument(help: "The envelope files.", completion: .file())
  var files: [String]

  @Option(help: ArgumentHelp("The DSN of a project.", valueName: "dsn"))
  var dsn: String

  func run() throws {
    let dsn = try DSN.sendable(dsn)
    let client = HTTPClient(caFile: try Settings(flags: []).notices.caFile)
    var isAllTaken = true
    for file in files {
      let (outcome, isTaken) = Self.outcome(of: file, sentTo: dsn, through: client)
      try printLine("\(file): \(outcome)")
      isAllTaken = isAllTaken && isTaken
    }
    if !isAllTaken { throw ExitCode.failure }
  }

  private static func outcome(
    of file: String, sentTo dsn: DSN, through client: HTTPClient
  ) -> (text: String, isTaken: Bool) {
    do {
      let bytes = try readFile(file, bytesMax: bytesMax)
      let response = try dsn.post(bytes, through: client)
      if response.status == 200 { return ("200 \(response.text)", true) }
      return ("refused with \(response.status): \(response.detail)", false)
    } catch {
      return (CommandFailure(error)?.message ?? "\(error)", false)
    }
  }
}

extension DSN {
  /// A service under load answers late rather than refuse.
  private static let timeoutSeconds = 300

  /// A DSN that envelopes can be posted to from here.
  static func sendable(_ text: String) throws(CommandFailure) -> DSN {
    guard let dsn = DSN(text) else {
      throw .usage(
        "--dsn is '\(text)', but it takes a DSN: http://PUBLIC_KEY@HOST:PORT/PROJECT_ID.")
    }
    return dsn
  }

  /// Posts an envelope as SDKs do; one that is packed with gzip is announced as such.
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
