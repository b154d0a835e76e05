internal import Bytes
internal import ReleaseHealth
internal import Storage

/// Writes objectives and budgets. Targets are percentages, as they were given; shares are of 1.
enum BudgetJSON {
  /// - Parameter isUnmatched: whether no session of the project has arrived yet.
  static func write(
    _ objective: ProjectObjective, isUnmatched: Bool, to json: inout JSONWriter
  ) {
    json.object { json in
      json.member("measure", objective.objective.measure.rawValue)
      json.member("target", objective.objective.target.percent)
      json.member("days", objective.objective.days)
      json.member("bad", objective.bad.rawValue)
      json.member("dateCreated", objective.created)
      json.member("isUnmatched", isUnmatched)
    }
  }

  /// Writes a project without an objective.
  static func writeNone(to json: inout JSONWriter) {
    json.object { json in
      for name in ["objective", "hint", "start", "end"] + numbers {
        json.member(name) { $0.null() }
      }
      for name in ["burnRates", "pairs"] { json.member(name) { $0.array { _ in } } }
      writeSeries([], to: &json)
    }
  }

  private static let numbers = ["total", "bad", "allowed", "consumed", "left"]

  /// - Parameters:
  ///   - hint: see ``BadHint``.
  ///   - isUnmatched: whether no session of the project has arrived yet.
  static func write(
    _ project: ProjectBudget, _ hint: String?, isUnmatched: Bool, to json: inout JSONWriter
  ) {
    let (budget, days) = (project.budget, project.objective.objective.days)
    json.object { json in
      json.member("objective") { write(project.objective, isUnmatched: isUnmatched, to: &$0) }
      json.member("hint", hint)
      let (start, end) = (project.minutes.lowerBound, project.minutes.upperBound)
      json.member("start", Timestamp(minute: start))
      json.member("end", Timestamp(minute: end))
      json.member("total", budget.counts.total)
      json.member("bad", budget.counts.bad)
      json.member("allowed", budget.allowed)
      json.member("consumed", budget.consumed)
      json.member("left", budget.left)
      json.objects("burnRates", of: project.burns) { json, burn in
        json.member("window", burn.window.name)
        json.member("total", burn.budget.counts.total)
        json.member("bad", burn.budget.counts.bad)
        json.member("rate", burn.budget.burnRate)
      }
      json.objects("pairs", of: BurnPair.pairs(days: days)) { json, pair in
        json.member("long", pair.long.name)
        json.member("short", pair.short.name)
        json.member("threshold", pair.threshold(days: days))
        json.member("burns", pair.burns(days: days, project.rate))
      }
      writeSeries(project.series, to: &json)
    }
  }

  private static func writeSeries(
    _ series: [(day: Int, left: Double?)], to json: inout JSONWriter
  ) {
    json.object("series") { json in
      json.member("days", series.map { RFC3339.format(Timestamp(minute: $0.day * 1440)) })
      json.array("left") { json in
        for (_, left) in series { json.optional(left) }
      }
    }
  }
}
