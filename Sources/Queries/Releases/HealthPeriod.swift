internal import HTTP
internal import API
internal import ReleaseHealth
internal import Storage

/// The periods that the release endpoints know, with the grain of their series
/// (`STATS_PERIODS` of Sentry's release health).
enum HealthPeriod: String, CaseIterable {
  case hour = "1h"
  case day24 = "24h"
  case day = "1d"
  case days48 = "48h"
  case days2 = "2d"
  case week = "7d"
  case weeks2 = "14d"
  case month = "30d"
  case quarter = "90d"

  private var segments: (count: Int, minutes: Int) {
    switch self {
    case .hour: (12, 5)
    case .day24, .day: (24, 60)
    case .days48, .days2: (48, 60)
    case .week: (7, 1440)
    case .weeks2: (14, 1440)
    case .month: (30, 1440)
    case .quarter: (90, 1440)
    }
  }

  /// The length of a point of the series.
  var intervalMinutes: Int { segments.minutes }

  /// The series: whole segments, the last one of them begun and not yet over.
  func seriesMinutes(until now: Timestamp) -> Range<Int> {
    let end = (now.minute.flooredDivision(by: intervalMinutes) + 1) * intervalMinutes
    return end - segments.count * intervalMinutes..<end
  }

  /// The period back from now, from its first full minute on, including the running minute. Up to
  /// two days it is exact to the minute. Older counts exist by the hour only, so longer periods
  /// begin on a full hour.
  func window(until now: Timestamp) -> Range<Int> {
    let length = segments.count * segments.minutes
    let minutes = -(-now.milliseconds).flooredDivision(by: 60_000)
    let start = Int(minutes) - length
    return (length <= 2 * 1440 ? start : start.flooredDivision(by: 60) * 60)..<now.minute + 1
  }

  init(
    _ name: String, _ parameters: QueryParameters, default fallback: HealthPeriod
  ) throws(APIError) {
    guard let period = HealthPeriod(rawValue: parameters.one(name) ?? fallback.rawValue) else {
      let all = HealthPeriod.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
      throw .badRequest("Invalid \(name). Valid choices are \(all)")
    }
    self = period
  }
}

/// The sessions or the users: what a chart or a list counts.
enum CountedUnit: String, CaseIterable {
  case sessions, users

  var measures: HealthQuery.Measures { self == .sessions ? .sessions : .users }

  func total(of cell: HealthCell) -> Int64 {
    self == .sessions ? cell.sessions.total : cell.users.total
  }
}
