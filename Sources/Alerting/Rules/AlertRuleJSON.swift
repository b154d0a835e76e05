internal import Bytes
internal import ReleaseHealth
internal import Storage

/// Writes alert rules and incidents: Sentry's members first, then Hale's own.
enum AlertRuleJSON {
  /// - Parameter projects: of the organization.
  static func write(
    _ stored: StoredAlertRule, projects: [Project], now: Timestamp, to json: inout JSONWriter
  ) {
    let rule = stored.rule
    json.object { json in
      json.member("id") { $0.value(String(stored.id)) }
      json.member("name") { $0.value(stored.draft.name) }
      json.member("organizationId") { $0.value(String(stored.organization.rawValue)) }
      json.member("status") { $0.value(0) }
      json.member("queryType") { $0.value(2) }
      json.member("dataset") { $0.value("metrics") }
      json.member("aggregate") { $0.value(rule.measure.sentryName) }
      json.member("query") { $0.value(query(rule.releases)) }
      json.member("environment") { $0.optional(rule.environment) }
      json.member("projects") { $0.value(slugs(rule, projects)) }
      json.member("timeWindow") { $0.value(rule.windowMinutes) }
      json.member("resolution") { $0.value(1) }
      json.member("thresholdType") { $0.value(rule.isAbove ? 0 : 1) }
      json.member("thresholdPeriod") { $0.value(rule.period) }
      json.member("resolveThreshold") { $0.optional(rule.resolve) }
      json.objects("triggers", of: rule.thresholds) { json, trigger in
        json.member("id") { $0.value("\(stored.id)-\(trigger.level.name)") }
        json.member("alertRuleId") { $0.value(String(stored.id)) }
        json.member("label") { $0.value(trigger.level.name) }
        json.member("thresholdType") { $0.value(rule.isAbove ? 0 : 1) }
        json.member("alertThreshold") { $0.value(trigger.threshold) }
        json.member("resolveThreshold") { $0.optional(rule.resolve) }
        let (critical, warning) = (stored.draft.criticalChannels, stored.draft.warningChannels)
        let channels = trigger.level == .critical ? critical : warning
        json.objects("actions", of: channels) { json, name in
          json.member("channel") { $0.value(name) }
        }
      }
      json.member("owner") { $0.null() }
      json.member("createdBy") { $0.null() }
      json.member("dateCreated") { $0.value(RFC3339.format(stored.created)) }
      json.member("dateModified") { $0.value(RFC3339.format(stored.modified)) }
      json.member("snooze") { $0.value(stored.isMuted(at: now)) }
      let words = AlertWords(rule: rule, projects: projects)
      json.member("description") { $0.value(words.description) }
      json.member("unit") { $0.value(words.unit) }
      json.member("release") { $0.optional(rule.releases.text) }
      json.member("minSessions") { $0.value(rule.sessionsMin) }
      json.member("comparison") { $0.optional(rule.comparison?.rawValue) }
      json.member("channels") { $0.value(stored.draft.channels) }
      json.member("mutedUntil") { $0.optional(stored.muteEnd(at: now).map(RFC3339.format)) }
      json.member("source") { $0.value(stored.isDeclared ? "file" : "api") }
      json.object("state") { json in
        json.member("level") { $0.value(stored.state.level.name) }
        json.member("evaluated") { $0.optional(stored.evaluated.map { RFC3339.format($0.time) }) }
        json.member("value") { $0.optional(stored.evaluated?.value) }
        json.member("sessions") { json in
          if let record = stored.evaluated { json.value(record.sessions) } else { json.null() }
        }
        json.member("incident") { $0.optional(stored.incident.map { String($0) }) }
      }
    }
  }

  static func slugs(_ rule: AlertRule, _ projects: [Project]) -> [String] {
    rule.projects.map { id in
      projects.first { $0.id == id }?.slug ?? String(id.rawValue)
    }
  }

  /// The releases as Sentry's search has them.
  static func query(_ releases: AlertRule.Releases) -> String {
    releases.text.map { "release:" + quoted($0) } ?? ""
  }

  private static func quoted(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { $0 > 0x20 && !"\"()[],\\".utf8.contains($0) }
    return isPlain
      ? text : "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }

  static func write(
    _ incident: AlertIncident, of stored: StoredAlertRule, projects: [Project],
    to json: inout JSONWriter
  ) {
    json.object { json in
      json.member("id") { $0.value(String(incident.id)) }
      json.member("identifier") { $0.value(String(incident.id)) }
      json.member("organizationId") { $0.value(String(stored.organization.rawValue)) }
      json.member("projects") { $0.value(slugs(stored.rule, projects)) }
      json.member("title") { $0.value(stored.draft.name) }
      json.member("status") { $0.value(incident.status) }
      json.member("type") { $0.value(2) }
      for name in ["dateStarted", "dateDetected", "dateCreated"] {
        json.member(name) { $0.value(RFC3339.format(incident.opened)) }
      }
      json.member("dateClosed") { $0.optional(incident.closed.map(RFC3339.format)) }
      json.member("alertRuleId") { $0.value(String(incident.rule)) }
      json.member("level") { $0.value(incident.level.name) }
      json.member("highestLevel") { $0.value((incident.reached.max() ?? .ok).name) }
      json.member("transitions") { $0.value(incident.transitions) }
      json.member("value") { $0.optional(incident.value) }
    }
  }
}

extension AlertRule {
  /// The thresholds that it has, in Sentry's order.
  var thresholds: [(level: AlertLevel, threshold: Double)] {
    [(.critical, critical)] + (warning.map { [(.warning, $0)] } ?? [])
  }
}
