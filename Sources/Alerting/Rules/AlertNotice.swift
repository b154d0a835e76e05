internal import Bytes
internal import ReleaseHealth
internal import Storage

/// What channels are notified of a change of a rule's level: words for people, and Sentry's
/// `metric_alert`.
struct AlertNotice {
  let transition: AlertTransition
  /// The projects of the organization.
  let projects: [Project]
  /// The URL of the dashboard.
  let webURL: String?

  /// Renders the transitions that wait, and puts them into the queues. Called from any thread;
  /// blocks. What a kill cuts off is done by the next call.
  ///
  /// - Returns: how many waited.
  @discardableResult
  static func enqueueAll(
    of store: any NoticeStore, projects: [Project], webURL: String?
  ) throws(StoreError) -> Int {
    let transitions = try store.alertTransitions()
    for transition in transitions {
      let notice = AlertNotice(transition: transition, projects: projects, webURL: webURL).notice
      try store.enqueue(notice, of: transition)
    }
    return transitions.count
  }

  var notice: Notice {
    let (action, word): (Notice.Action, String) =
      switch after {
      case .ok: (.resolved, "Resolved")
      case .warning: (.warning, "Warning")
      case .critical: (.critical, "Critical")
      }
    return Notice(
      key: "incident-\(incident.id)-\(incident.transitions)", action: action,
      title: "\(word): \(transition.draft.name)", text: text, webURL: page,
      subject: String(decoding: JSONWriter.object(writeSubject), as: UTF8.self),
      created: transition.time)
  }

  /// Where the rule is shown; of one that is gone, where the others are.
  private var page: String? {
    webURL.map {
      $0 + "/alerts/" + (transition.ending == .ruleDeleted ? "" : "\(transition.rule)/")
    }
  }

  // MARK: Words

  private var rule: AlertRule { transition.draft.rule }
  private var incident: AlertIncident { transition.incident }
  private var before: AlertLevel { transition.before }
  private var after: AlertLevel { incident.level }

  /// For example “97.5 % crash-free sessions of shop, production in the last hour, below 99 %.
  /// 1200 sessions.”
  private var text: String {
    let words = AlertWords(rule: rule, projects: projects)
    switch transition.ending {
    case .ruleDeleted: return "The rule was deleted while it was \(before.name)."
    case .ruleChanged: return "The rule was changed while it was \(before.name): it begins anew."
    case nil: break
    }
    var text = transition.value.map { words.text($0) + " " } ?? ""
    text +=
      "\(words.measure(against: transition.baseRelease)) \(words.place(release: transition.release))"
    let threshold = after == .critical ? rule.critical : rule.warning
    let isBeyond = transition.value.flatMap { value in
      threshold.map { rule.isAbove ? value > $0 : value < $0 }
    }
    if let threshold, after != .ok, isBeyond == true {
      text += ", \(rule.isAbove ? "above" : "below") \(words.text(threshold))"
    } else {
      text += ": back from \(before.name)"
      if after != .ok, let resolve = rule.resolve { text += ", not yet at \(words.text(resolve))" }
    }
    // The value may be the number of sessions itself.
    return rule.measure == .sessions && rule.comparison == nil
      ? text + "." : text + ". \(transition.sessions) sessions."
  }

  // MARK: Sentry's form

  private func writeSubject(_ json: inout JSONWriter) {
    json.member("id", String(incident.id))
    json.member("identifier", String(incident.id))
    json.member("organization_id", String(transition.organization.rawValue))
    json.member("projects", AlertRuleJSON.slugs(rule, projects))
    json.member("status", incident.status)
    json.member("status_method", 2)
    json.member("type", 2)
    json.member("title", transition.draft.name)
    for name in ["date_created", "date_started", "date_detected"] {
      json.member(name, incident.opened)
    }
    json.member("date_closed", incident.closed)
    json.member("value", transition.value)
    json.member("sessions", transition.sessions)
    json.member("release", transition.release)
    json.object("alert_rule", writeRule)
  }

  private func writeRule(_ json: inout JSONWriter) {
    json.member("id", String(transition.rule))
    json.member("name", transition.draft.name)
    json.member("aggregate", rule.measure.sentryName)
    json.member("dataset", "metrics")
    json.member("query", AlertRuleJSON.query(rule.releases))
    json.member("environment", rule.environment)
    json.member("projects", AlertRuleJSON.slugs(rule, projects))
    json.member("time_window", rule.windowMinutes)
    json.member("resolution", 1)
    json.member("threshold_type", rule.isAbove ? 0 : 1)
    json.member("resolve_threshold", rule.resolve)
    json.member("threshold_period", rule.period)
    json.objects("triggers", of: rule.thresholds) { json, trigger in
      json.member("label", trigger.level.name)
      json.member("alert_threshold", trigger.threshold)
      json.member("resolve_threshold", rule.resolve)
      json.member("threshold_type", rule.isAbove ? 0 : 1)
    }
    json.member("status", 0)
    json.member("include_all_projects", false)
    json.member("organization_id", String(transition.organization.rawValue))
    json.member("created_by") { $0.null() }
    json.member("date_created", transition.ruleCreated)
    json.member("date_modified", transition.ruleModified)
  }
}
