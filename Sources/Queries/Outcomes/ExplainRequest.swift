internal import HTTP
internal import Bytes
internal import API
internal import ReleaseHealth
internal import Storage

/// `GET …/sessions/explain/`, beside Sentry's API: how the counts of the sessions API come about,
/// bucket by bucket. `bucket` names the one that holds an instant; without it the range is read as
/// in the sessions API.
///
///     {"start", "end", "query", "explainedFrom", "lateMinutes",
///      "buckets": [{"start", "end", "counts", "prompt", "late": [{"arrived", "change"}],
///                   "aggregates", "startingLater", "unlogged", "repeated", "withoutInit",
///                   "quota", "isComplete"}]}
///
/// counts = prompt + each change of late + aggregates − startingLater + unlogged. `quota` are the
/// items that arrived in the hours of the bucket, of all releases and environments of the projects,
/// and that a quota refused: they are in no other number.
struct ExplainRequest {
  private let request: SessionsRequest

  /// Late changes can be many: buckets × five days of arrivals.
  private static let bucketsMax = 100
  /// Up to this number of buckets, late changes are grouped by the ten minutes in which they
  /// arrived; beyond, by the hour.
  private static let fineBucketsMax = 24

  static let names = AcceptedNames.only(
    ["bucket", "query", "interval"] + AcceptedNames.selection + DateRange.names)

  init(_ call: APICall, retentionDays: Int) throws(APIError) {
    let projects = try call.projects()
    var limits = SessionsLimits()
    limits.retentionDays = retentionDays
    limits.defaultRangeDays = 1
    limits.intervalMinutesMin = 60
    limits.pointsMax = Self.bucketsMax
    let parameters = QueryParameters(call.items)
    _ = try projects.named(by: parameters)
    var read = call.items + [("field", "sum(session)")]
    if let bucket = try Self.bucket(parameters, now: call.now) {
      read.append(("start", RFC3339.format(bucket.start)))
      read.append(("end", RFC3339.format(bucket.end)))
    }
    request = try SessionsRequest(read, projects: projects, now: call.now, limits: limits)
    if request.search.statuses != nil {
      throw .badRequest(
        "An explanation always has all statuses: leave session.status out of the query.")
    }
  }

  /// The bucket that holds the instant of `bucket`.
  private static func bucket(
    _ parameters: QueryParameters, now: Timestamp
  ) throws(APIError) -> (start: Timestamp, end: Timestamp)? {
    guard let text = parameters.one("bucket") else { return nil }
    if let other = DateRange.names.first(where: { parameters.one($0) != nil }) {
      throw .badRequest("bucket stands for the range: give it without \(other).")
    }
    guard let instant = RFC3339.parseShort(text) else {
      throw .invalid(
        "bucket", text, accepted: "Give an ISO 8601 date-time, for example 2026-03-01T10:00:00Z.")
    }
    // An invalid interval is refused with the rest of the request.
    let seconds = max(1, StatsPeriod.seconds(parameters.one("interval") ?? "1h") ?? 3600)
    let start = instant.seconds.flooredDivision(by: seconds) * seconds
    if start > now.seconds { throw .badRequest("The bucket has not begun yet.") }
    return (Timestamp(seconds: start), Timestamp(seconds: start + seconds))
  }

  /// Queries the store and writes the answer. Blocks.
  func response(
    of organization: OrganizationID, store: any StoreSnapshot
  ) throws(StoreError) -> Response {
    let request = try request.namingLatest(store)
    let history = try store.history(request.healthQuery())
    let unknown = try UnknownEnvironments(
      request.environments, of: request.projects, organization,
      isNothingFound: history.buckets.allSatisfy(\.counts.isZero), store)
    if let unknown { return unknown.refusal }
    let range = request.range
    let refused = try store.outcomes(
      of: request.projects, hours: range.start.hour..<range.end.hour,
      intervalHours: range.intervalMinutes / 60
    ).map { outcomes in
      outcomes.reduce(0) { $1.key.outcome == .rejected(.quota) ? $0 + $1.value : $0 }
    }
    let lateMinutes = history.buckets.count <= Self.fineBucketsMax ? 10 : 60
    let json = JSONWriter.object { json in
      json.member("start", range.start)
      json.member("end", range.end)
      json.member("query", request.search.text)
      if let release = request.search.latest { json.member("latestRelease", release) }
      json.member("explainedFrom", history.firstKnownHour.map { Timestamp(minute: $0 * 60) })
      json.member("lateMinutes", lateMinutes)
      json.array("buckets") { json in
        for (index, (start, bucket)) in zip(range.bucketStarts, history.buckets).enumerated() {
          let end = Timestamp(minute: start.minute + range.intervalMinutes)
          let isKnown = history.firstKnownHour.map { start.hour >= $0 } ?? true
          json.object { json in
            Self.write(bucket, at: (start, end), lateMinutes: lateMinutes, &json)
            json.member("quota", refused[index])
            json.member("isComplete", isKnown && bucket.unlogged.isZero)
          }
        }
      }
    }
    return .json(json)
  }

  private static func write(
    _ bucket: SessionHistory.Bucket, at time: (start: Timestamp, end: Timestamp), lateMinutes: Int,
    _ json: inout JSONWriter
  ) {
    json.member("start", time.start)
    json.member("end", time.end)
    json.member("counts", bucket.counts)
    json.member("prompt", bucket.prompt)
    json.array("late") { json in
      for arrival in bucket.late(byMinutes: lateMinutes) {
        json.object { json in
          json.member("arrived", arrival.time)
          json.member("change", arrival.change)
        }
      }
    }
    json.member("aggregates", bucket.aggregates)
    json.member("startingLater", bucket.startingLater)
    json.member("unlogged", bucket.unlogged)
    json.member("repeated", bucket.repeated)
    // Where part of the arrival log is gone, only the negative part of a pair may be left.
    json.member("withoutInit", max(0, bucket.withoutInitial))
  }
}

extension SessionHistory.Bucket {
  /// The late changes, summed over intervals of this many minutes.
  fileprivate func late(byMinutes minutes: Int) -> [SessionHistory.Arrival] {
    late.reduce(into: []) { merged, arrival in
      let time = Timestamp(minute: arrival.time.minute.flooredDivision(by: minutes) * minutes)
      if let last = merged.indices.last, merged[last].time == time {
        merged[last].change += arrival.change
      } else {
        merged.append(SessionHistory.Arrival(time: time, change: arrival.change))
      }
    }
  }
}
