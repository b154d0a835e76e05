internal import Bytes
internal import ReleaseHealth
internal import Storage

/// Writes alert rules and incidents: Sentry's members first, then Hale's own.
enum AlertRuleJSON {
  /// - Parameters:
  ///   - projects: of the organization.
  ///   - unmatched: what the rule names and nothing matches yet.
  static func write(
    _ stored: StoredAlertRule, projects: [Project], unmatched: [AlertRule.Problem],
    now: Timestamp, to json: inout JSONWriter
  ) {
    let rule = stored.rule
    json.object { json in
      json.member("id", String(stored.id))
      json.member("name", stored.draft.name)
      json.member("organizationId", String(stored.organization.rawValue))
      json.member("status", 0)
      json.member("queryType", 2)
      json.member("dataset", "metrics")
      json.member("aggregate", rule.measure.sentryName)
      json.member("query", query(rule.releases))
      json.member("environment", rule.environment)
      json.member("projects", slugs(rule, projects))
      json.member("timeWindow", rule.windowMinutes)
      json.member("resolution", 1)
      json.member("thresholdType", rule.isAbove ? 0 : 1)
      json.member("thresholdPeriod", rule.period)
      json.member("resolveThreshold", rule.resolve)
      json.objects("triggers", of: rule.thresholds) { json, trigger in
        json.member("id", "\(stored.id)-\(trigger.level.name)")
        json.member("alertRuleId", String(stored.id))
        json.member("label", trigger.level.name)
        json.member("thresholdType", rule.isAbove ? 0 : 1)
        json.member("alertThreshold", trigger.threshold)
        json.member("resolveThreshold", rule.resolve)
        let (critical, warning) = (stored.draft.criticalChannels, stored.draft.warningChannels)
        let channels = trigger.level == .critical ? critical : warning
        json.objects("actions", of: channels) { json, name in
          json.member("channel", name)
        }
      }
      json.member("owner") { $0.null() }
      json.member("createdBy") { $0.null() }
      json.member("dateCreated", stored.created)
      json.member("dateModified", stored.modified)
      json.member("snooze", stored.isMuted(at: now))
      let words = AlertWords(rule: rule, projects: projects)
      json.member("description", words.description)
      json.member("unit", words.unit)
      json.member("release", rule.releases.text)
      json.member("minSessions", rule.sessionsMin)
      json.member("comparison", rule.comparison?.rawValue)
      json.member("channels", stored.draft.channels)
      json.member("mutedUntil", stored.muteEnd(at: now))
      json.member("source", stored.isDeclared ? "file" : "api")
      json.objects("unmatched", of: unmatched) { json, problem in
        json.member("field", problem.field)
        json.member("reason", problem.reason)
      }
      json.object("state") { json in
        json.member("level", stored.state.level.name)
        json.member("isJudged", stored.isJudged)
        json.member("evaluated", stored.evaluated.map { RFC3339.format($0.time) })
        json.member("value", stored.evaluated?.value)
        json.member("sessions") { json in
          if let record = stored.evaluated { json.value(record.sessions) } else { json.null() }
        }
        json.member("release", stored.release)
        json.member("incident", stored.incident.map { String($0) })
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
      json.member("id", String(incident.id))
      json.member("identifier", String(incident.id))
      json.member("organizationId", String(stored.organization.rawValue))
      json.member("projects", slugs(stored.rule, projects))
      json.member("title", stored.draft.name)
      json.member("status", incident.status)
      json.member("type", 2)
      for name in ["dateStarted", "dateDetected", "dateCreated"] {
        json.member(name, incident.opened)
      }
      json.member("dateClosed", incident.closed)
      json.member("alertRuleId", String(incident.rule))
      json.member("level", incident.level.name)
      json.member("highestLevel", (incident.reached.max() ?? .ok).name)
      json.member("transitions", incident.transitions)
      json.member("value", incident.value)
    }
  }
}

extension AlertRule {
  /// The thresholds that it has, in Sentry's order.
  var thresholds: [(level: AlertLevel, threshold: Double)] {
    [(.critical, critical)] + (warning.map { [(.warning, $0)] } ?? [])
  }
}
