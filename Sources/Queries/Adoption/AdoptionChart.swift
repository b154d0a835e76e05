internal import HTTP
internal import Bytes
internal import API
internal import ReleaseHealth
internal import Storage

/// `GET …/adoption/`, beside Sentry's API: the share of each release of a project in each bucket of
/// a range (by default the last 24 hours), in one call.
///
///     {"start", "end", "by", "intervals": [start of each bucket],
///      "total": {"count", "series": [count]},
///      "releases": [{"release", "count", "share", "series": {"count": [], "share": []}}],
///      "others": the same for all releases beyond the first ones; null by users, who may use
///                several releases and do not add up}
///
/// A share is a fraction of 1, and null where there is nothing to divide by.
struct AdoptionChartRequest {
  private let measure: CountedUnit
  private let project: ProjectID
  private let environments: EnvironmentSelection
  private let range: DateRange
  /// The number of releases that are listed by themselves, those with the most first.
  private let top: Int

  private static let topMax = 1000

  static let names = AcceptedNames.only(
    ["by", "top", "interval"] + AcceptedNames.selection + DateRange.names)

  init(_ call: APICall) throws(APIError) {
    let parameters = QueryParameters(call.items)
    let selected = try call.projects().named(by: parameters)
    guard selected.count == 1 else {
      throw .badRequest("The adoption chart needs exactly one project: give project=ID or SLUG.")
    }
    project = selected[0].id
    let by = parameters.one("by") ?? "sessions"
    guard let measure = CountedUnit(rawValue: by) else {
      throw .invalid("by", by, accepted: "Give sessions or users.")
    }
    self.measure = measure
    let text = parameters.one("top") ?? "10"
    guard let top = Int(text), (1...Self.topMax).contains(top) else {
      throw .invalid("top", text, accepted: "Give a whole number from 1 to \(Self.topMax).")
    }
    self.top = top
    environments = EnvironmentSelection(parameters.all("environment"))
    var limits = SessionsLimits()
    limits.defaultRangeDays = 1
    range = try DateRange(parameters, now: call.now, limits: limits)
  }

  private func query(by groups: Set<HealthQuery.Dimension> = []) -> HealthQuery {
    var query = HealthQuery(projects: [project], minutes: range.minutes)
    query.intervalMinutes = range.intervalMinutes
    query.groupBy = groups
    query.measures = measure.measures
    query.filter = .environments(environments)
    return query
  }

  private func count(_ cell: HealthCell) -> Int64 { measure.total(of: cell) }

  /// Queries the store and writes the answer. Blocks.
  func response(
    of organization: OrganizationID, store: any StoreSnapshot
  ) throws(StoreError) -> Response {
    let buckets = range.bucketStarts.count
    var ranking = query(by: [.release])
    ranking.intervalMinutes = nil
    ranking.groupsMax = HealthQuery.rankedGroupsMax
    let ranked = try store.health(ranking).sorted { left, right in
      let (one, other) = (count(left.totals), count(right.totals))
      return one == other ? left.key < right.key : one > other
    }
    let first = ranked.prefix(top).map(\.key)
    // Only the listed releases have a series each; all others share one, because there may be
    // thousands.
    var named = query(by: [.release])
    named.named = Set(first)
    let groups = try store.health(named)
    let place = Dictionary(uniqueKeysWithValues: zip(first, 0...))
    let releases = groups.filter { place[$0.key] != nil }
      .sorted { (place[$0.key] ?? 0) < (place[$1.key] ?? 0) }
    let others = groups.filter { place[$0.key] == nil }
    // Sessions add up, so the total is their sum. A second query could include sessions that
    // arrived meanwhile. Users need a union of their own.
    let whole = measure == .sessions ? groups : try store.health(query())
    let total = whole.reduce(0) { $0 + count($1.totals) }
    let totals = (0..<buckets).map { bucket in whole.reduce(0) { $0 + count($1.series[bucket]) } }
    let unknown = try UnknownEnvironments(
      environments, of: [project], organization, isNothingFound: total == 0, store)
    if let unknown { return unknown.refusal }
    return .json { json in
      json.object { json in
        writeMembers(releases, others.first, (total, totals), to: &json)
      }
    }
  }

  private func writeMembers(
    _ releases: [HealthGroup], _ others: HealthGroup?, _ all: (count: Int64, series: [Int64]),
    to json: inout JSONWriter
  ) {
    json.member("start", range.start)
    json.member("end", range.end)
    json.member("by", measure.rawValue)
    json.member("intervals", range.bucketStarts)
    json.object("total") { json in
      json.member("count", all.count)
      json.member("series", all.series)
    }
    json.array("releases") { json in
      for group in releases {
        Self.write(
          group.key.release, count(group.totals), group.series.map(count), all, to: &json)
      }
    }
    json.member("others") { json in
      if measure == .sessions, let others {
        Self.write(nil, count(others.totals), others.series.map(count), all, to: &json)
      } else {
        json.null()
      }
    }
  }

  private static func write(
    _ release: String?, _ count: Int64, _ series: [Int64],
    _ all: (count: Int64, series: [Int64]), to json: inout JSONWriter
  ) {
    json.object { json in
      if let release { json.member("release", release) }
      json.member("count", count)
      json.member("share", share(count, all.count))
      json.object("series") { json in
        json.member("count", series)
        json.member("share", zip(series, all.series).map(share))
      }
    }
  }

  private static func share(_ part: Int64, _ whole: Int64) -> Double? {
    whole > 0 ? Double(part) / Double(whole) : nil
  }
}
