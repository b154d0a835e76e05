internal import HTTP
internal import Bytes
internal import API
internal import ReleaseHealth
internal import Storage

/// `GET …/sessions/compare/`, beside Sentry's API: two releases side by side, over a range (by
/// default the last 24 hours), and whether their difference may be chance.
///
/// With `align=age` each release is measured over the same time from its first session on, in whole
/// hours: as long as the range, and not longer than the younger release is old. A release of an
/// hour has its early adopters and none of its late crashes; it compares with the first hour of
/// another.
///
///     {"align", "base": side, "candidate": side,
///      "difference": {"crashFreeSessions": difference, "crashFreeUsers": difference, …}}
///
/// A side:       {"release", "start", "end", "firstSession", "sessions": counts, "users": counts,
///                "crashFreeSessions": share, "crashFreeUsers": share, …,
///                "adoption": {"sessions", "users"}, "durationP50", "durationP95"}; durations in
///               milliseconds, null when nothing exited
/// A share:      {"value", "low", "high"}, of 1; null where there is nothing to divide by.
/// A difference: {"value", "low", "high", "verdict"}, candidate less base, with a verdict of
///               better, worse or chance; null where one of the two is.
///
/// Sessions of one user tend to end alike, so that the intervals of sessions are a little too
/// narrow; those of users are not.
struct CompareRequest {
  private let base: String
  private let candidate: String
  private let projects: Set<ProjectID>
  private let environments: EnvironmentSelection
  private let range: DateRange
  /// The length of the requested range in hours, rounded up.
  private let hours: Int
  private let isAligned: Bool
  private let now: Timestamp
  private let retentionDays: Int

  static let names = AcceptedNames.only(
    ["base", "candidate", "align", "interval"] + AcceptedNames.selection + DateRange.names)

  init(_ call: APICall, retentionDays: Int) throws(APIError) {
    let parameters = QueryParameters(call.items)
    projects = Set(try call.projects().named(by: parameters).map(\.id))
    guard let base = parameters.one("base"), let candidate = parameters.one("candidate") else {
      throw .badRequest("base and candidate are both required: give the names of two releases.")
    }
    if Name(base) == Name(candidate) {
      throw .badRequest("base and candidate are the same release: give two.")
    }
    self.base = base
    self.candidate = candidate
    let align = parameters.one("align") ?? "time"
    guard ["time", "age"].contains(align) else {
      throw .invalid("align", align, accepted: "Give time or age.")
    }
    isAligned = align == "age"
    environments = EnvironmentSelection(parameters.all("environment"))
    var limits = SessionsLimits()
    limits.defaultRangeDays = 1
    limits.retentionDays = retentionDays
    // Durations are kept by the hour.
    limits.intervalMinutesMin = 60
    // The answer has only totals.
    limits.pointsMax = .max >> 32
    now = call.now
    range = try DateRange(parameters, now: now, limits: limits)
    let given = try DateRange.givenRange(parameters, now: now, limits: limits)
    let length = given.end.milliseconds - given.start.milliseconds
    hours = -Int((-length).flooredDivision(by: 3_600_000))
    self.retentionDays = retentionDays
  }

  /// Queries the store and writes the answer. Blocks.
  func response(
    of organization: OrganizationID, store: any SessionStore & ReleaseStore
  ) throws(StoreError) -> Result<[UInt8], APIError> {
    let known = try KnownNames(of: organization, store).of(projects)
    if let refusal = known.refusal(of: environments) { return .failure(.badRequest(refusal)) }
    let unknown = Set([base, candidate].filter { known.release($0) == nil })
    guard unknown.isEmpty else {
      let reasons = unknown.sorted().map { known.refusal(ofRelease: $0) }
      return .failure(.badRequest(reasons.joined(separator: " ")))
    }
    var firstHours: [Int?] = []
    for record in [base, candidate].compactMap({ known.release($0) }) {
      firstHours.append(try record.firstHour(in: projects, environments, store))
    }
    var windows = [range.minutes, range.minutes]
    if isAligned {
      let oldest = (now.day - retentionDays) * 24
      for (name, hour) in zip([base, candidate], firstHours) {
        guard let hour, hour < oldest else { continue }
        return .failure(
          .badRequest(
            "The first sessions of \"\(name)\" are no longer kept: it cannot be compared by age."))
      }
      // The running hour is not complete for either release.
      let ages = firstHours.map { $0.map { max(0, now.hour - $0) } ?? 0 }
      let hours = min(self.hours, ages[0], ages[1])
      windows = firstHours.map { first in
        let start = (first ?? now.hour) * 60
        return start..<start + hours * 60
      }
    }
    var sides = [
      try side(base, windows[0], firstHours[0], store),
      try side(candidate, windows[1], firstHours[1], store),
    ]
    sides[0].whole = try whole(windows[0], store)
    sides[1].whole = windows[1] == windows[0] ? sides[0].whole : try whole(windows[1], store)
    let json = JSONWriter.object { json in
      json.member("align", isAligned ? "age" : "time")
      json.member("base") { sides[0].write(to: &$0) }
      json.member("candidate") { sides[1].write(to: &$0) }
      json.object("difference") { json in
        for measure in Side.measures {
          json.member(measure.name) { json in
            guard let one = measure.share(sides[0]), let two = measure.share(sides[1]) else {
              return json.null()
            }
            json.value(ProportionDifference(of: two, from: one), isGood: measure.isGood)
          }
        }
      }
    }
    return .success(json)
  }

  private func side(
    _ release: String, _ minutes: Range<Int>, _ firstHour: Int?, _ store: any SessionStore
  ) throws(StoreError) -> Side {
    var own = HealthQuery(projects: projects, minutes: minutes)
    own.measures = [.sessions, .users, .durations]
    own.filter = .all([.environments(environments), .release(release)])
    return Side(
      release: release, minutes: minutes, firstHour: firstHour,
      cell: try store.health(own).first?.totals ?? HealthCell())
  }

  /// The counts of all releases together.
  private func whole(
    _ minutes: Range<Int>, _ store: any SessionStore
  ) throws(StoreError) -> HealthCell {
    var all = HealthQuery(projects: projects, minutes: minutes)
    all.measures = [.sessions, .users]
    all.filter = .environments(environments)
    return try store.health(all).first?.totals ?? HealthCell()
  }
}

/// One of the two releases.
private struct Side {
  let release: String
  let minutes: Range<Int>
  let firstHour: Int?
  let cell: HealthCell
  /// The counts of all releases in the same range.
  var whole = HealthCell()

  /// A share of sessions or users that is compared.
  struct Measure: Sendable {
    let name: String
    /// Whether a higher share is better.
    var isGood = false
    let share: @Sendable (Side) -> Proportion?
  }

  static let measures = [
    Measure(name: "crashFreeSessions", isGood: true) {
      Proportion($0.sessions.total - $0.sessions.crashed, of: $0.sessions.total)
    },
    Measure(name: "crashFreeUsers", isGood: true) {
      Proportion($0.users.total - $0.users.byWorst.crashed, of: $0.users.total)
    },
    Measure(name: "erroredSessions") { Proportion($0.sessions.errored, of: $0.sessions.total) },
    Measure(name: "erroredUsers") { Proportion($0.users.byWorst.errored, of: $0.users.total) },
    Measure(name: "unhandledSessions") {
      Proportion($0.sessions.unhandled, of: $0.sessions.total)
    },
    Measure(name: "unhandledUsers") { Proportion($0.users.withUnhandled, of: $0.users.total) },
    Measure(name: "abnormalSessions") {
      Proportion($0.sessions.abnormal, of: $0.sessions.total)
    },
    Measure(name: "abnormalUsers") { Proportion($0.users.withAbnormal, of: $0.users.total) },
  ]

  private var sessions: SessionCounts { cell.sessions }
  private var users: UserCounts { cell.users }

  func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("release", release)
      json.member("start", Timestamp(minute: minutes.lowerBound))
      json.member("end", Timestamp(minute: minutes.upperBound))
      json.member("firstSession", firstHour.map { Timestamp(minute: $0 * 60) })
      json.member("sessions", sessions)
      json.member("users", users.byWorst)
      for measure in Self.measures { json.member(measure.name, measure.share(self)) }
      json.object("adoption") { json in
        json.member("sessions", Proportion(sessions.total, of: whole.sessions.total)?.value)
        json.member("users", Proportion(users.total, of: whole.users.total)?.value)
      }
      json.member("durationP50", cell.durations?.p50)
      json.member("durationP95", cell.durations?.p95)
    }
  }
}

extension Proportion: JSONWritable {
  func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("value", value)
      json.member("low", interval.lowerBound)
      json.member("high", interval.upperBound)
    }
  }
}

extension JSONWriter {
  fileprivate mutating func value(_ difference: ProportionDifference, isGood: Bool) {
    object { json in
      json.member("value", difference.value)
      json.member("low", difference.interval.lowerBound)
      json.member("high", difference.interval.upperBound)
      json.member("verdict") { json in
        switch difference.verdict {
        case .chance: json.value("chance")
        case .higher: json.value(isGood ? "better" : "worse")
        case .lower: json.value(isGood ? "worse" : "better")
        }
      }
    }
  }
}
