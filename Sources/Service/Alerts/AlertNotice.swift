internal import ReleaseHealth
internal import Storage

/// What is told of a change of a rule's level: words for people, and Sentry's `metric_alert`.
struct AlertNotice {
  let stored: StoredAlertRule
  let reading: AlertReading
  /// What the thresholds were compared with.
  let value: Double
  let before: AlertLevel
  let after: AlertLevel
  let now: Timestamp
  /// Of the organization.
  let projects: [Project]
  let webURL: String?

  func notice(_ incident: AlertIncident) -> Notice {
    let action: Notice.Action =
      switch after {
      case .ok: .resolved
      case .warning: .warning
      case .critical: .critical
      }
    let word =
      switch after {
      case .ok: "Resolved"
      case .warning: "Warning"
      case .critical: "Critical"
      }
    return Notice(
      key: "incident-\(incident.id)-\(incident.transitions)", action: action,
      title: "\(word): \(stored.draft.name)", text: text, webURL: webURL,
      subject: String(decoding: subject(incident), as: UTF8.self), created: now)
  }

  // MARK: Words

  private var rule: AlertRule { stored.rule }

  /// For example “97.5 % crash-free sessions of shop in production in the last hour, below 99 %
  /// (critical). 1200 sessions.”
  private var text: String {
    var text = "\(Self.number(value))\(unit) \(what)"
    text += " of \(AlertRuleJSON.slugs(rule, projects).joined(separator: ", "))"
    if let release = reading.release ?? rule.releases.text { text += ", release \(release)" }
    if let environment = rule.environment, !environment.isEmpty { text += ", \(environment)" }
    text += " in the last \(Self.time(minutes: rule.windowMinutes))"
    let threshold = after == .critical ? rule.critical : rule.warning
    if let threshold, after != .ok {
      text += ", \(rule.isAbove ? "above" : "below") \(Self.number(threshold))\(unit)"
    } else {
      text += ": back from \(before.name)"
    }
    return text + ". \(reading.current.sessions.total) sessions."
  }

  private var unit: String {
    switch (rule.measure.isCount, rule.comparison) {
    case (true, nil): ""
    case (false, nil), (true, _): " %"
    case (false, _): " points"
    }
  }

  private var what: String {
    switch rule.comparison {
    case nil: rule.measure.phrase
    case .previousRelease:
      "change of \(rule.measure.phrase) against \(reading.baseRelease ?? "the release before")"
    case .previousWeek: "change of \(rule.measure.phrase) against the week before"
    }
  }

  /// With at most three digits behind the point, cut off: 99.9996 is not 100.
  private static func number(_ value: Double) -> String {
    let thousandths = Int64((value * 1000 + (value < 0 ? -1e-4 : 1e-4)).rounded(.towardZero))
    let (whole, rest) = thousandths.quotientAndRemainder(dividingBy: 1000)
    var text = (thousandths < 0 && whole == 0 ? "-" : "") + String(whole)
    if rest != 0 {
      var digits = String(abs(rest) + 1000).dropFirst()
      while digits.last == "0" { digits.removeLast() }
      text += "." + digits
    }
    return text
  }

  private static func time(minutes: Int) -> String {
    switch minutes {
    case 60: "hour"
    case 1440: "day"
    case let days where days % 1440 == 0: "\(days / 1440) days"
    case let hours where hours % 60 == 0: "\(hours / 60) hours"
    default: "\(minutes) minutes"
    }
  }

  // MARK: Sentry's form

  private func subject(_ incident: AlertIncident) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.member("id") { $0.value(String(incident.id)) }
      json.member("identifier") { $0.value(String(incident.id)) }
      json.member("organization_id") { $0.value(String(stored.organization.rawValue)) }
      json.member("projects") { writeProjects(&$0) }
      json.member("status") { $0.value(incident.status) }
      json.member("status_method") { $0.value(2) }
      json.member("type") { $0.value(2) }
      json.member("title") { $0.value(stored.draft.name) }
      for name in ["date_created", "date_started", "date_detected"] {
        json.member(name) { $0.value(RFC3339.format(incident.opened)) }
      }
      json.member("date_closed") { $0.optional(incident.closed.map(RFC3339.format)) }
      json.member("value") { $0.value(value) }
      json.member("sessions") { $0.value(reading.current.sessions.total) }
      json.member("release") { $0.optional(reading.release) }
      json.member("alert_rule") { writeRule(&$0) }
    }
    return json.bytes
  }

  private func writeProjects(_ json: inout JSONWriter) {
    json.array { json in
      for slug in AlertRuleJSON.slugs(rule, projects) { json.value(slug) }
    }
  }

  private func writeRule(_ json: inout JSONWriter) {
    json.object { json in
      json.member("id") { $0.value(String(stored.id)) }
      json.member("name") { $0.value(stored.draft.name) }
      json.member("aggregate") { $0.value(rule.measure.sentryName) }
      json.member("dataset") { $0.value("metrics") }
      json.member("query") { $0.value(AlertRuleJSON.query(rule.releases)) }
      json.member("environment") { $0.optional(rule.environment) }
      json.member("projects") { writeProjects(&$0) }
      json.member("time_window") { $0.value(rule.windowMinutes) }
      json.member("resolution") { $0.value(1) }
      json.member("threshold_type") { $0.value(rule.isAbove ? 0 : 1) }
      json.member("resolve_threshold") { $0.optional(rule.resolve) }
      json.member("threshold_period") { $0.value(rule.period) }
      json.member("triggers") { json in
        json.array { json in
          for (label, threshold) in [("critical", rule.critical), ("warning", rule.warning)] {
            guard let threshold else { continue }
            json.object { json in
              json.member("label") { $0.value(label) }
              json.member("alert_threshold") { $0.value(threshold) }
              json.member("resolve_threshold") { $0.optional(rule.resolve) }
              json.member("threshold_type") { $0.value(rule.isAbove ? 0 : 1) }
            }
          }
        }
      }
      json.member("status") { $0.value(0) }
      json.member("include_all_projects") { $0.value(false) }
      json.member("organization_id") { $0.value(String(stored.organization.rawValue)) }
      json.member("created_by") { $0.null() }
      json.member("date_created") { $0.value(RFC3339.format(stored.created)) }
      json.member("date_modified") { $0.value(RFC3339.format(stored.modified)) }
    }
  }
}
