import ArgumentParser
import ReleaseHealth

/// The quotas of a project or a key.
struct QuotaOptions: ParsableArguments {
  /// How to explain quotas in the help of a command.
  static let discussion = """
    New sessions beyond a quota are not counted and have the outcome `quota`; updates of counted \
    sessions always count. Requests beyond a quota are answered 429, which loses what the SDK would \
    send until the minute is over, crashes of counted sessions with it. `none` takes a quota off.
    """

  @Option(help: .of("n", "The maximum number of new sessions per minute, or none."))
  var sessionsPerMinute: String?

  @Option(help: .of("n", "The maximum number of new sessions per UTC day, or none."))
  var sessionsPerDay: String?

  @Option(help: .of("n", "The maximum number of ingest requests per minute, or none."))
  var requestsPerMinute: String?

  var isGiven: Bool {
    sessionsPerMinute != nil || sessionsPerDay != nil || requestsPerMinute != nil
  }

  /// - Returns: the quotas with what was given in place of theirs.
  func applied(to quotas: Quotas) throws(CommandFailure) -> Quotas {
    var quotas = quotas
    for (flag, text, quota) in [
      ("--sessions-per-minute", sessionsPerMinute, \Quotas.sessionsPerMinute),
      ("--sessions-per-day", sessionsPerDay, \Quotas.sessionsPerDay),
      ("--requests-per-minute", requestsPerMinute, \Quotas.requestsPerMinute),
    ] as [(String, String?, WritableKeyPath<Quotas, Int64?>)] {
      guard let text else { continue }
      guard let limit = text == "none" ? 0 : Int64(text), limit >= 0 else {
        throw .usage("\(flag) is '\(text)', but it takes a whole number, or none.")
      }
      quotas[keyPath: quota] = limit > 0 ? limit : nil
    }
    return quotas
  }
}

extension Quotas {
  var members: JSONMembers {
    [
      ("sessionsPerMinute", sessionsPerMinute), ("sessionsPerDay", sessionsPerDay),
      ("requestsPerMinute", requestsPerMinute),
    ].map { ($0, $1.map { .integer($0) } ?? .null) }
  }

  /// The quotas in a sentence.
  var sentence: String {
    let parts = [
      sessionsPerMinute.map { "\($0) new sessions per minute" },
      sessionsPerDay.map { "\($0) new sessions per day" },
      requestsPerMinute.map { "\($0) requests per minute" },
    ].compactMap(\.self)
    return parts.isEmpty ? "no quotas" : "at most " + parts.joined(separator: ", ")
  }
}
