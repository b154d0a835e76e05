import ArgumentParser
import Compression

/// Writes complete HTTP requests to a file, for a load generator that only sends them.
struct RequestsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "requests",
    abstract: "Write requests to a file, each after its length in 4 bytes, big-endian.")

  enum Kind: String, ExpressibleByArgument, CaseIterable {
    /// One session: alternately a new one and the end of one that `fill --open` has written.
    case single
    /// Ended sessions, 5 % of them of new users; gzip.
    case packed
    /// Session aggregates; gzip.
    case aggregates
  }

  @OptionGroup var options: TrafficOptions

  @Option(help: "single, packed or aggregates.")
  var kind: Kind

  @Option(help: "The number of requests.")
  var count: Int

  @Option(help: "The number of the first request; other numbers give other sessions.")
  var first = 0

  @Option(help: "Sessions per request for packed, buckets for aggregates.")
  var items = 100

  @Option(help: "The project's public key.")
  var key: String

  @Option(help: "The file to write.")
  var file: String

  func validate() throws {
    guard kind != .single || options.open * 2 >= first + count else {
      throw ValidationError("--kind single ends a session of --open with every second request")
    }
  }

  func run() throws {
    let wire = WireSession(traffic: options.traffic)
    let output = try OutputFile(file)
    var progress = ProgressLine("requests")
    for index in first..<first + count {
      let body =
        switch kind {
        case .single: Array(wire.single(index).utf8)
        case .packed: try compressed(wire.packed(index, count: items))
        case .aggregates: try compressed(wire.aggregates(index, count: items))
        }
      let request = Array(head(bodyBytes: body.count).utf8) + body
      let length = UInt32(request.count)
      try output.write((0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - $0 * 8)) } + request)
      progress.update(index - first, of: count)
    }
    progress.finish()
    try output.close()
    printFigures([
      ("requests", Double(count)), ("bytes", Double(output.bytesWritten)),
      ("items", Double(kind == .single ? 1 : items)),
    ])
  }

  /// Compresses at zlib's default level, as SDKs do.
  private func compressed(_ envelope: String) throws -> [UInt8] {
    guard let bytes = gzip(Array(envelope.utf8), level: 6) else {
      throw ValidationError("zlib is out of memory")
    }
    return bytes
  }

  private func head(bodyBytes: Int) -> String {
    "POST /api/1/envelope/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
      + "User-Agent: sentry.javascript.browser/8.30.0\r\n"
      + "Content-Type: application/x-sentry-envelope\r\n"
      + "X-Sentry-Auth: Sentry sentry_version=7, sentry_client=sentry.javascript.browser/8.30.0, "
      + "sentry_key=\(key)\r\n"
      + (kind == .single ? "" : "Content-Encoding: gzip\r\n")
      + "Content-Length: \(bodyBytes)\r\n\r\n"
  }
}
