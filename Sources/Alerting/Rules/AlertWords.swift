internal import ReleaseHealth
internal import Storage

/// An alert rule in the words of people.
struct AlertWords {
  let rule: AlertRule
  /// The projects of the organization.
  let projects: [Project]

  /// What the rule watches, for example “crash-free sessions of shop, release latest, production in
  /// the last hour”.
  var description: String { "\(measure()) \(place())" }

  /// What stands behind a value: `%`, `points` (of percent) or nothing.
  var unit: String {
    switch (rule.measure.isCount, rule.comparison) {
    case (true, nil): ""
    case (false, nil), (true, _): "%"
    case (false, _): "points"
    }
  }

  /// - Parameter base: the release that was compared with, where one is known.
  func measure(against base: String? = nil) -> String {
    switch rule.comparison {
    case nil: rule.measure.phrase
    case .previousRelease:
      "change of \(rule.measure.phrase) against \(base ?? "the release before")"
    case .previousWeek: "change of \(rule.measure.phrase) against the week before"
    }
  }

  /// - Parameter release: the one that was looked at, where the rule leaves that open.
  func place(release: String? = nil) -> String {
    var text = "of \(AlertRuleJSON.slugs(rule, projects).joined(separator: ", "))"
    if let release = release ?? rule.releases.text { text += ", release \(release)" }
    if let environment = rule.environment {
      text += ", \(environment.isEmpty ? "without environment" : environment)"
    }
    // With a week ago whole hours are compared.
    let whole = rule.comparison == .previousWeek ? "full " : ""
    return text + " in the last \(whole)\(Self.time(minutes: rule.windowMinutes))"
  }

  /// With its unit and at most three digits behind the point, cut off: 99.9996 is not 100.
  func text(_ value: Double) -> String {
    let thousandths = Int64((value * 1000 + (value < 0 ? -1e-4 : 1e-4)).rounded(.towardZero))
    let (whole, rest) = thousandths.quotientAndRemainder(dividingBy: 1000)
    var text = (thousandths < 0 && whole == 0 ? "-" : "") + String(whole)
    if rest != 0 {
      var digits = String(abs(rest) + 1000).dropFirst()
      while digits.last == "0" { digits.removeLast() }
      text += "." + digits
    }
    return unit.isEmpty ? text : "\(text) \(unit)"
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
}
