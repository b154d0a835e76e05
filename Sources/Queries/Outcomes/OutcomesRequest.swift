internal import HTTP
internal import Bytes
internal import API
internal import ReleaseHealth
internal import Storage

/// `GET …/outcomes/`, beside Sentry's API: the outcomes of the items that arrived in a range (by
/// default the last 24 hours), by the hour of their arrival.
///
///     {"start", "end", "intervals": [start of each bucket],
///      "groups": [{"by": {"project", "reason"}, "totals": numbers, "series": {name: [number]}}],
///      "outcomes": [{"project", "outcome", "reason", "quantity"}]}
///
/// The numbers of each group and each bucket add up: received = accepted + rejected + skipped. A
/// bucket of aggregates counts as an item. Sessions that SDKs report as dropped never arrived, and
/// stand beside these numbers.
struct OutcomesRequest {
  private let projects: Set<ProjectID>
  private let range: DateRange
  private let isGroupedByProject: Bool
  private let isGroupedByReason: Bool
  private let includesSeries: Bool
  private let page: Page

  static let names = AcceptedNames.only(
    ["groupBy", "project", "interval", "includeSeries"] + DateRange.names
      + AcceptedNames.pages)

  init(_ call: APICall) throws(APIError) {
    let parameters = QueryParameters(call.items)
    projects = Set(try call.projects().named(by: parameters).map(\.id))
    let groups = parameters.all("groupBy")
    let known = ["project", "reason"]
    if let other = groups.first(where: { !known.contains($0) }) {
      throw .unknown("Invalid groupBy: \"\(other)\"", other, among: known)
    }
    isGroupedByProject = groups.contains("project")
    isGroupedByReason = groups.contains("reason")
    includesSeries = try parameters.flag("includeSeries", default: true)
    var limits = SessionsLimits()
    limits.intervalMinutesMin = 60
    limits.defaultRangeDays = 1
    // Without the series the answer has one number an outcome, however long the range is.
    if !includesSeries { limits.pointsMax = .max >> 32 }
    range = try DateRange(parameters, now: call.now, limits: limits)
    let points = includesSeries ? range.bucketStarts.count : 0
    page = try Page(parameters, sizeMax: max(1, limits.cellsMax / (points + 1)))
  }

  /// The hours of the range, since 1970.
  private var hours: Range<Int> {
    range.start.hour..<range.end.hour
  }

  /// The key of a group; its parts are nil where the request does not group by them.
  private struct Key: Hashable {
    var project: Int64?
    /// The reason of a rejection or of a drop by an SDK; empty for other outcomes.
    var reason: String?
  }

  private struct Group {
    var totals = ItemCounts()
    var series: [ItemCounts]
  }

  /// Queries the store and writes the answer, and the value of its `Link` header. Blocks.
  func answer(url: String, store: any OutcomeStore) throws(StoreError) -> (
    json: [UInt8], link: String
  ) {
    let buckets = try store.outcomes(
      of: projects, hours: hours,
      intervalHours: includesSeries ? range.intervalMinutes / 60 : hours.count)
    var groups: [Key: Group] = [:]
    let empty = Group(series: Array(repeating: ItemCounts(), count: buckets.count))
    // As in the sessions API, a request without `groupBy` always has a group; with it there are
    // only groups in which something arrived.
    if !isGroupedByProject, !isGroupedByReason { groups[Key()] = empty }
    var all: [OutcomeKey: Int64] = [:]
    for (index, bucket) in buckets.enumerated() {
      for (key, quantity) in bucket {
        groups[group(of: key), default: empty].totals.add(quantity, key.outcome)
        groups[group(of: key), default: empty].series[index].add(quantity, key.outcome)
        all[key, default: 0] += quantity
      }
    }
    let ordered = groups.sorted {
      ($0.key.project ?? 0, $0.key.reason ?? "") < ($1.key.project ?? 0, $1.key.reason ?? "")
    }
    let shown = ordered.dropFirst(page.offset).prefix(page.size)
    let json = JSONWriter.object { json in
      json.member("start", range.start)
      json.member("end", range.end)
      json.member("intervals", includesSeries ? range.bucketStarts : [])
      json.array("groups") { json in
        for (key, group) in shown { write(key, group, to: &json) }
      }
      json.member("outcomes") { Self.write(all, to: &$0) }
    }
    let hasMore = ordered.count > page.offset + shown.count
    return (json, page.linkHeader(url: url, hasMore: hasMore))
  }

  private func group(of key: OutcomeKey) -> Key {
    var reason: String?
    if isGroupedByReason {
      reason = key.outcome.reason ?? ""
    }
    return Key(project: isGroupedByProject ? key.project.rawValue : nil, reason: reason)
  }

  private func write(_ key: Key, _ group: Group, to json: inout JSONWriter) {
    json.object { json in
      json.object("by") { json in
        if let project = key.project { json.member("project", project) }
        if let reason = key.reason { json.member("reason", reason.isEmpty ? nil : reason) }
      }
      json.object("totals") { json in
        for (name, value) in ItemCounts.parts { json.member(name, group.totals[keyPath: value]) }
      }
      guard includesSeries else { return }
      json.object("series") { json in
        for (name, value) in ItemCounts.parts {
          json.member(name, group.series.map { $0[keyPath: value] })
        }
      }
    }
  }

  /// One entry a project and outcome, ordered by both.
  private static func write(_ outcomes: [OutcomeKey: Int64], to json: inout JSONWriter) {
    let ordered = outcomes.sorted {
      ($0.key.project.rawValue, $0.key.outcome.name) < (
        $1.key.project.rawValue, $1.key.outcome.name
      )
    }
    json.array { json in
      for (key, quantity) in ordered {
        json.object { json in
          json.member("project", key.project.rawValue)
          switch key.outcome {
          case .rejected: json.member("outcome", "rejected")
          case .dropped: json.member("outcome", "dropped_by_sdk")
          default: json.member("outcome", key.outcome.name)
          }
          if let reason = key.outcome.reason { json.member("reason", reason) }
          json.member("quantity", quantity)
        }
      }
    }
  }
}

extension Outcome {
  /// The reason of a rejection or of a drop by an SDK.
  fileprivate var reason: String? {
    switch self {
    case .rejected(let reason): reason.rawValue
    case .dropped(let reason): reason.rawValue
    default: nil
    }
  }
}

/// The numbers of items by outcome.
private struct ItemCounts {
  private var accepted: Int64 = 0
  private var rejected: Int64 = 0
  private var skipped: Int64 = 0
  /// The aggregates among the accepted items.
  private var aggregates: Int64 = 0
  private var repeated: Int64 = 0
  private var userOmitted: Int64 = 0
  /// The sessions that SDKs dropped; they are not among the received items.
  private var dropped: Int64 = 0

  private var received: Int64 { accepted + rejected + skipped }

  /// The names of the parts, in the order of the answer.
  static var parts: [(name: String, value: KeyPath<ItemCounts, Int64>)] {
    [
      ("received", \.received), ("accepted", \.accepted), ("rejected", \.rejected),
      ("skipped", \.skipped), ("aggregates", \.aggregates),
      ("repeated", \.repeated), ("userLeftOut", \.userOmitted),
      ("droppedBySDK", \.dropped),
    ]
  }

  mutating func add(_ quantity: Int64, _ outcome: Outcome) {
    switch outcome {
    case .accepted: accepted += quantity
    case .acceptedAggregate:
      accepted += quantity
      aggregates += quantity
    case .repeated: repeated += quantity
    case .userOmitted: userOmitted += quantity
    case .rejected: rejected += quantity
    case .skipped: skipped += quantity
    case .dropped: dropped += quantity
    }
  }
}
