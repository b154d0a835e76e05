internal import ReleaseHealth
internal import Storage

/// `GET …/outcomes/`: what became of the items that arrived in a range of hours.
struct OutcomesRequest {
  let projects: Set<ProjectID>
  private let range: DateRange

  /// Hours since 1970.
  var hours: Range<Int> {
    range.minutes.lowerBound / 60..<(range.minutes.upperBound + 59) / 60
  }

  /// Reads `project`, `statsPeriod` (24 h if absent), `start` and `end`.
  init(
    _ items: [(name: String, value: String)], projects: [Project], now: Timestamp
  ) throws(APIError) {
    var items = items.filter { $0.name != "interval" }
    if !items.contains(where: { ["statsPeriod", "start", "end"].contains($0.name) }) {
      items.append((name: "statsPeriod", value: "24h"))
    }
    let parameters = QueryParameters(items)
    var limits = SessionsLimits()
    // One number an outcome comes out, however long the range is.
    limits.pointsMax = .max >> 32
    self.projects = Set(try SessionsRequest.selectedProjects(parameters, of: projects).map(\.id))
    range = try DateRange(parameters, now: now, limits: limits)
  }

  /// One entry a project and outcome, ordered by both.
  func json(_ outcomes: [OutcomeKey: Int64]) -> [UInt8] {
    let ordered = outcomes.sorted {
      ($0.key.project.rawValue, $0.key.outcome.name) < (
        $1.key.project.rawValue, $1.key.outcome.name
      )
    }
    var json = JSONWriter()
    json.object { json in
      json.key("start")
      json.value(RFC3339.format(Timestamp(minute: hours.lowerBound * 60)))
      json.key("end")
      json.value(RFC3339.format(range.end))
      json.key("outcomes")
      json.array { json in
        for (key, quantity) in ordered { Self.write(key, quantity, to: &json) }
      }
    }
    return json.bytes
  }

  private static func write(_ key: OutcomeKey, _ quantity: Int64, to json: inout JSONWriter) {
    json.object { json in
      json.key("project")
      json.value(key.project.rawValue)
      json.key("outcome")
      if case .rejected(let reason) = key.outcome {
        json.value("rejected")
        json.key("reason")
        json.value(reason.rawValue)
      } else {
        json.value(key.outcome.name)
      }
      json.key("quantity")
      json.value(quantity)
    }
  }
}
