internal import Bytes
internal import ReleaseHealth

/// The verdict of a release gate with its evidence.
///
///     {"release", "verdict", "reason", "bad", "hint", "rules": {…}, "ageHours", "unit",
///      "crashFreeSessions": finding, "drop": finding, "candidate": side, "baseline": side,
///      "asOf", "reportingDelay": {…}}
///
/// A finding: {"verdict", "value", "low", "high", "limit", "moreSessions"}, of 1; low and high hold
///            with the requested confidence, each, at all times; null without such a rule. Both
///            are about sessions that are not bad.
/// A side:    {"release", "firstSession", "sessions", "crashed", "failed", "crashFreeSessions",
///             "failureFreeSessions", "corrected": {"value", "low", "high"}, "known",
///             "now": {"sessions", "crashed", "failed", "users", "crashedUsers", "failedUsers"}};
///             failed are crashed or unhandled, and corrected is the share of sessions that are
///             not bad.
///
/// The numbers of a side are those known at its age, and those in `now` are of the same hours and
/// known at `asOf`: users are known only so, and stand beside the sessions of the same moment.
struct GateAnswer {
  let gate: ReleaseGate
  let bad: BadStatuses
  /// See ``BadHint``.
  let hint: String?
  let candidate: GateSide
  let baseline: GateSide?
  let age: Int
  /// When the numbers were read.
  let now: Timestamp
  let delay: ReportingDelay
  let areUsersKnown: Bool
  /// The release before, where it is no baseline.
  var earlier: Earlier?

  /// A release that is before the candidate and cannot be compared with it by itself.
  struct Earlier {
    let release: String
    /// Whether its first sessions are kept; otherwise it had no session in the day before.
    let isKept: Bool
  }

  var json: [UInt8] {
    let (rate, drop) = (gate.rateFinding, gate.dropFinding)
    return JSONWriter.object { json in
      json.member("release", candidate.release)
      json.member("verdict", gate.verdict.rawValue)
      json.member("reason", reason(rate, drop))
      json.member("bad", bad.rawValue)
      json.member("hint", hint)
      json.member("rules") { write(gate.rules, to: &$0) }
      json.member("ageHours", age)
      json.member("unit", areUsersKnown ? "user" : "session")
      json.member("crashFreeSessions") { json in
        guard let rate, let limit = gate.rules.crashRateMax else { return json.null() }
        write(rate.ofCrashFree, limit: 1 - limit, to: &json)
      }
      json.member("drop") { json in
        guard let drop, let limit = gate.rules.dropMax else { return json.null() }
        write(drop, limit: limit, to: &json)
      }
      json.member("candidate") { write(candidate, to: &$0) }
      json.member("baseline") { json in
        if let baseline { write(baseline, to: &json) } else { json.null() }
      }
      json.member("asOf", now)
      json.member("reportingDelay") { delay.write(knownShare: gate.knownShare, to: &$0) }
    }
  }

  private func write(_ rules: ReleaseGate.Rules, to json: inout JSONWriter) {
    json.object { json in
      json.member("crashFreeSessions", rules.crashRateMax.map { 1 - $0 })
      json.member("maxDrop", rules.dropMax)
      json.member("minSessions", rules.sessionsMin)
      json.member("confidence", 1 - rules.alpha)
    }
  }

  private func write(_ finding: ReleaseGate.Finding, limit: Double, to json: inout JSONWriter) {
    json.object { json in
      json.member("verdict", finding.verdict.rawValue)
      json.member("value", finding.value)
      json.member("low", finding.low)
      json.member("high", finding.high)
      json.member("limit", limit)
      json.member("moreSessions", finding.moreSessions)
    }
  }

  private func write(_ side: GateSide, to json: inout JSONWriter) {
    let (crashed, failed) = (side.total(.crashed), side.total(.crashedAndUnhandled))
    json.object { json in
      json.member("release", side.release)
      json.member("firstSession", Timestamp(minute: side.firstHour * 60))
      json.member("sessions", crashed.sessions)
      json.member("crashed", Int64(crashed.crashes))
      json.member("failed", Int64(failed.crashes))
      json.member("crashFreeSessions", crashed.crashRate.map { 1 - $0 })
      json.member("failureFreeSessions", failed.crashRate.map { 1 - $0 })
      json.member("corrected") { json in
        // What is known now differs from what was reported at that age.
        guard delay.isLearnt, side.isKnownAtAge else { return json.null() }
        delay.estimate(side.hours(bad), now: age).writeCrashFree(to: &json)
      }
      json.member("known", side.isKnownAtAge ? "atAge" : "now")
      json.object("now") { json in
        json.member("sessions", side.final(.crashed).sessions)
        json.member("crashed", Int64(side.final(.crashed).crashes))
        json.member("failed", Int64(side.final(.crashedAndUnhandled).crashes))
        json.member("users", side.users.total)
        json.member("crashedUsers", side.users.byWorst.crashed)
        json.member("failedUsers", side.users.withFailure)
      }
    }
  }

  // MARK: The sentence

  private func reason(_ rate: ReleaseGate.Finding?, _ drop: ReleaseGate.Finding?) -> String {
    if gate.lacksSessions {
      let needed = max(1, gate.rules.sessionsMin)
      let short = [candidate, baseline].compactMap(\.self).filter {
        $0.total(bad).sessions < needed
      }
      let without = short.filter { $0.final(bad).sessions == 0 }
      let few = short.filter { $0.final(bad).sessions > 0 }
      var sentences = without.map {
        "\($0.release) has no session yet; a verdict needs \(needed)."
      }
      if !few.isEmpty {
        let names = few.map { "\($0.release) has \($0.total(bad).sessions)" }
        let hours = age == 1 ? "hour" : "\(age) hours"
        sentences.append(
          "\(names.joined(separator: " and ")) of the \(needed) sessions that a verdict needs, in "
            + "the first \(hours)\(few.allSatisfy(\.isKnownAtAge) ? ", as known at that age." : ".")"
        )
      }
      return sentences.joined(separator: " ")
    }
    let findings = [(rate, rateSentence), (drop, dropSentence)].compactMap { finding, sentence in
      finding.map { (verdict: $0.verdict, text: sentence($0)) }
    }
    if findings.isEmpty {
      return "\(withoutBaseline(candidate.release)), and there is no "
        + "least rate of \(bad.freeWord) sessions to hold it against.\(baselineHint)"
    }
    var sentences = findings.filter { $0.verdict == gate.verdict }.map(\.text)
    if baseline == nil { sentences.append(withoutBaseline("it") + "." + baselineHint) }
    if bad != .crashed { sentences.append("Failure-free is neither crashed nor unhandled.") }
    return sentences.joined(separator: " ")
  }

  /// Why there is no baseline, without a full stop.
  private func withoutBaseline(_ name: String) -> String {
    guard let earlier else { return "There is no release before \(name) to compare with" }
    return earlier.isKept
      ? "No release before \(name) has sessions in the day before its first one"
      : "The first sessions of \(earlier.release), the release before \(name), are no longer kept"
  }

  private var baselineHint: String {
    guard let earlier else { return "" }
    let example = earlier.isKept ? earlier.release : "RELEASE"
    return " --baseline \(example) compares with \(earlier.isKept ? "it" : "another one")."
  }

  private var subject: String {
    switch bad {
    case .crashed: "Crash-free sessions"
    case .crashedAndUnhandled: "Failure-free sessions"
    }
  }

  private func rateSentence(_ rate: ReleaseGate.Finding) -> String {
    let limit = percent(1 - (gate.rules.crashRateMax ?? 0))
    switch rate.verdict {
    case .red:
      return "At most \(percent(1 - rate.low)) of sessions are \(bad.freeWord), below \(limit)."
    case .green: return "At least \(limit) of sessions are \(bad.freeWord)."
    case .unknown:
      return "\(subject) are between \(percent(1 - rate.high)) and "
        + "\(percent(1 - rate.low)) at the requested confidence, and \(limit) lies between. "
        + missing(rate)
    }
  }

  private func dropSentence(_ drop: ReleaseGate.Finding) -> String {
    let limit = points(gate.rules.dropMax ?? 0)
    let other = baseline?.release ?? ""
    switch drop.verdict {
    case .red:
      return
        "\(subject) are at least \(points(drop.low)) points below those of \(other) at "
        + "the same age; \(limit) are tolerated."
    case .green:
      return
        "\(subject) are less than \(limit) points below those of \(other) at the same "
        + "age."
    case .unknown:
      return
        "\(subject) are \(side(drop.value)) those of \(other) so far. At the requested "
        + "confidence the difference is from \(side(drop.high)) to \(side(drop.low)), and "
        + "\(limit) points below are tolerated. \(missing(drop))"
    }
  }

  private func side(_ drop: Double) -> String {
    drop < 0 ? "\(points(-drop)) points above" : "\(points(drop)) points below"
  }

  private func missing(_ finding: ReleaseGate.Finding) -> String {
    guard let more = finding.moreSessions else { return "They are too close to decide soon." }
    return "About \(more) more sessions are needed to decide."
  }

  /// A rate is cut off, so that 100 % stands for all: 99.9996 % is 99.999 %.
  private func percent(_ share: Double) -> String {
    points(thousandths: Int64((share * 100_000 + 1e-6).rounded(.down))) + " %"
  }

  private func points(_ share: Double) -> String {
    points(thousandths: Int64((share * 100_000).rounded()))
  }

  /// Percentage points with up to three digits after the point.
  private func points(thousandths: Int64) -> String {
    var digits = String(thousandths.magnitude)
    digits = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    var text = "\(digits.dropLast(3)).\(digits.suffix(3))"
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return (thousandths < 0 ? "-" : "") + text
  }
}
