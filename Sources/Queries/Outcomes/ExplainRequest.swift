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
///                   "isComplete"}]}
///
/// counts = prompt + each change of late + aggregates − startingLater + unlogged.
struct ExplainRequest {
  private let request: SessionsRequest
  /// The start of the one bucket that is requested; nil for all of the range.
  private let bucketStart: Timestamp?

  /// Late changes can be many: buckets × five days of arrivals.
  private static let bucketsMax = 100
  /// Up to this number of buckets, late changes are grouped by the ten minutes in which they
  /// arrived; beyond, by the hour.
  private static let fineBucketsMax = 24

  /// The parameters that only an answer with several fields and groups needs.
  private static let ignored: Set = [
    "field", "groupBy", "orderBy", "includeTotals", "includeSeries", "per_page", "cursor", "bucket",
  ]

  init(
    _ items: [(name: String, value: String)], projects: [Project], now: Timestamp,
    retentionDays: Int
  ) throws(APIError) {
    var limits = SessionsLimits()
    limits.retentionDays = retentionDays
    limits.defaultRangeDays = 1
    limits.intervalMinutesMin = 60
    limits.pointsMax = Self.bucketsMax
    var read = items.filter { !Self.ignored.contains($0.name) } + [("field", "sum(session)")]
    let bucket = try Self.bucket(QueryParameters(items))
    bucketStart = bucket?.start
    if let bucket {
      read.append(("start", RFC3339.format(bucket.start)))
      read.append(("end", RFC3339.format(bucket.last)))
    }
    request = try SessionsRequest.parse(read, projects: projects, now: now, limits: limits)
    if request.search.statuses != nil {
      throw .badRequest(
        "An explanation always has all statuses: leave session.status out of the query.")
    }
  }

  /// The first and the last second of the bucket that holds the instant of `bucket`.
  private static func bucket(
    _ parameters: QueryParameters
  ) throws(APIError) -> (start: Timestamp, last: Timestamp)? {
    guard let text = parameters.one("bucket") else { return nil }
    if ["statsPeriod", "start", "end"].contains(where: { parameters.one($0) != nil }) {
      throw .badRequest("bucket stands for the range: leave statsPeriod, start and end out.")
    }
    guard let instant = RFC3339.parseShort(text) else {
      throw .invalid(
        "bucket", text, accepted: "Give an ISO 8601 date-time, for example 2026-03-01T10:00:00Z.")
    }
    // An invalid interval is refused with the rest of the request.
    let seconds = max(1, StatsPeriod.seconds(parameters.one("interval") ?? "1h") ?? 3600)
    let start = instant.seconds.flooredDivision(by: seconds) * seconds
    return (Timestamp(seconds: start), Timestamp(seconds: start + seconds - 1))
  }

  /// Queries the store and writes the answer. Blocks.
  func json(store: any OutcomeStore) throws(StoreError) -> [UInt8] {
    let history = try store.history(request.healthQuery())
    // At a full hour the range of the bucket before it also includes the bucket that begins.
    let buckets = zip(request.range.bucketStarts, history.buckets).filter {
      bucketStart == nil || $0.0 == bucketStart
    }
    let end = min(
      request.range.end,
      buckets.last.map { Timestamp(minute: $0.0.minute + request.range.intervalMinutes) }
        ?? request.range.end)
    let lateMinutes = buckets.count <= Self.fineBucketsMax ? 10 : 60
    var json = JSONWriter()
    json.object { json in
      json.member("start") { $0.value(RFC3339.format(request.range.start)) }
      json.member("end") { $0.value(RFC3339.format(end)) }
      json.member("query") { $0.value(request.search.text) }
      json.member("explainedFrom") {
        $0.optional(history.firstKnownHour.map { RFC3339.format(Timestamp(minute: $0 * 60)) })
      }
      json.member("lateMinutes") { $0.value(lateMinutes) }
      json.member("buckets") { json in
        json.array { json in
          for (start, bucket) in buckets {
            let end = min(end, Timestamp(minute: start.minute + request.range.intervalMinutes))
            Self.write(
              bucket, at: (start, end), lateMinutes: lateMinutes,
              isKnown: history.firstKnownHour.map { start.hour >= $0 } ?? true, &json)
          }
        }
      }
    }
    return json.bytes
  }

  private static func write(
    _ bucket: SessionHistory.Bucket, at time: (start: Timestamp, end: Timestamp), lateMinutes: Int,
    isKnown: Bool, _ json: inout JSONWriter
  ) {
    json.object { json in
      json.member("start") { $0.value(RFC3339.format(time.start)) }
      json.member("end") { $0.value(RFC3339.format(time.end)) }
      json.member("counts") { $0.value(bucket.counts) }
      json.member("prompt") { $0.value(bucket.prompt) }
      json.member("late") { json in
        json.array { json in
          for arrival in bucket.late(byMinutes: lateMinutes) {
            json.object { json in
              json.member("arrived") { $0.value(RFC3339.format(arrival.time)) }
              json.member("change") { $0.value(arrival.change) }
            }
          }
        }
      }
      json.member("aggregates") { $0.value(bucket.aggregates) }
      json.member("startingLater") { $0.value(bucket.startingLater) }
      json.member("unlogged") { $0.value(bucket.unlogged) }
      json.member("repeated") { $0.value(bucket.repeated) }
      // Where part of the arrival log is gone, only the negative part of a pair may be left.
      json.member("withoutInit") { $0.value(max(0, bucket.withoutInitial)) }
      json.member("isComplete") { $0.value(isKnown && bucket.unlogged.isZero) }
    }
  }
}

extension JSONWriter {
  /// The five statuses, and their sum.
  mutating func value(_ counts: SessionCounts) {
    object { json in
      json.member("total") { $0.value(counts.total) }
      for severity in Severity.allCases {
        json.member(severity.name) { $0.value(counts[severity]) }
      }
    }
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
