internal import Bytes
internal import ReleaseHealth
internal import Storage

/// Writes objectives and budgets. Targets are percentages, as they were given; shares are of 1.
enum BudgetJSON {
  static func write(_ objective: ProjectObjective, to json: inout JSONWriter) {
    json.object { json in
      json.member("measure") { $0.value(objective.objective.measure.rawValue) }
      json.member("target") { $0.value(objective.objective.target.percent) }
      json.member("days") { $0.value(objective.objective.days) }
      json.member("dateCreated") { $0.value(RFC3339.format(objective.created)) }
    }
  }

  /// Writes a project without an objective.
  static func writeNone(to json: inout JSONWriter) {
    json.object { json in
      for name in ["objective", "start", "end"] + numbers { json.member(name) { $0.null() } }
      for name in ["burnRates", "pairs"] { json.member(name) { $0.array { _ in } } }
      writeSeries([], to: &json)
    }
  }

  private static let numbers = ["total", "bad", "allowed", "consumed", "left"]

  static func write(_ project: ProjectBudget, to json: inout JSONWriter) {
    let (budget, days) = (project.budget, project.objective.objective.days)
    json.object { json in
      json.member("objective") { write(project.objective, to: &$0) }
      let (start, end) = (project.minutes.lowerBound, project.minutes.upperBound)
      json.member("start") { $0.value(RFC3339.format(Timestamp(minute: start))) }
      json.member("end") { $0.value(RFC3339.format(Timestamp(minute: end))) }
      json.member("total") { $0.value(budget.counts.total) }
      json.member("bad") { $0.value(budget.counts.bad) }
      json.member("allowed") { $0.value(budget.allowed) }
      json.member("consumed") { $0.optional(budget.consumed) }
      json.member("left") { $0.optional(budget.left) }
      json.objects("burnRates", of: project.burns) { json, burn in
        json.member("window") { $0.value(burn.window.name) }
        json.member("total") { $0.value(burn.budget.counts.total) }
        json.member("bad") { $0.value(burn.budget.counts.bad) }
        json.member("rate") { $0.optional(burn.budget.burnRate) }
      }
      json.objects("pairs", of: BurnPair.pairs(days: days)) { json, pair in
        json.member("long") { $0.value(pair.long.name) }
        json.member("short") { $0.value(pair.short.name) }
        json.member("threshold") { $0.value(pair.threshold(days: days)) }
        json.member("burns") { $0.value(pair.burns(days: days, project.rate)) }
      }
      writeSeries(project.series, to: &json)
    }
  }

  private static func writeSeries(
    _ series: [(day: Int, left: Double?)], to json: inout JSONWriter
  ) {
    json.object("series") { json in
      json.member("days") {
        $0.value(series.map { RFC3339.format(Timestamp(minute: $0.day * 1440)) })
      }
      json.member("left") { json in
        json.array { json in
          for (_, left) in series { json.optional(left) }
        }
      }
    }
  }
}
