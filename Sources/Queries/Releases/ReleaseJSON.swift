internal import Bytes
internal import ReleaseHealth
internal import Storage

/// Writes release objects with the keys of Sentry's API. What Hale does not store (commits,
/// deploys, authors, issues) is null, 0 or empty, as in an organization that never sends it.
struct ReleaseJSON {
  let request: ReleasesRequest
  let health: ReleaseHealthData

  func write(_ entry: ReleaseEntry, meta: ReleaseMeta? = nil, to json: inout JSONWriter) {
    let record = entry.record
    json.object { json in
      json.member("id") { $0.value(record.id) }
      json.member("version") { $0.value(record.version) }
      // Sentry's list has the whole name here, too.
      json.member("shortVersion") { $0.value(record.version) }
      json.member("status") { $0.value(record.status.rawValue) }
      json.member("versionInfo") { Self.write(entry.version, to: &$0) }
      json.member("ref") { $0.optional(record.ref) }
      json.member("url") { $0.optional(record.url) }
      json.member("dateReleased") { $0.optional(record.released.map(RFC3339.format)) }
      json.member("dateCreated") { $0.value(RFC3339.format(record.created)) }
      json.member("data") { $0.object { _ in } }
      json.member("newGroups") { $0.value(0) }
      json.member("owner") { $0.null() }
      json.member("commitCount") { $0.value(0) }
      json.member("lastCommit") { $0.null() }
      json.member("deployCount") { $0.value(0) }
      json.member("lastDeploy") { $0.null() }
      json.member("authors") { $0.array { _ in } }
      json.member("projects") { json in
        json.array { json in
          for project in entry.projects { write(project, of: entry, to: &json) }
        }
      }
      json.member("firstEvent") { $0.null() }
      json.member("lastEvent") { $0.null() }
      json.member("currentProjectMeta") { json in
        json.object { json in meta?.write(to: &json) }
      }
      json.member("userAgent") { $0.null() }
      if request.withStages {
        json.member("adoptionStages") { writeStages(entry, to: &$0) }
      }
    }
  }

  private static func write(_ version: ReleaseVersion, to json: inout JSONWriter) {
    json.object { json in
      json.member("package") { $0.optional(version.package) }
      json.member("version") { json in
        json.object { json in
          json.member("raw") { $0.value(version.versionRaw) }
          guard let parsed = version.version else { return }
          json.member("major") { $0.value(parsed.major) }
          json.member("minor") { $0.value(parsed.minor) }
          json.member("patch") { $0.value(parsed.patch) }
          json.member("pre") { $0.optional(parsed.prerelease) }
          json.member("buildCode") { $0.optional(parsed.buildCode) }
          json.member("components") { $0.value(parsed.components) }
        }
      }
      json.member("description") { $0.value(version.description) }
      json.member("buildHash") { $0.optional(version.buildHash) }
    }
  }

  private func write(_ project: Project, of entry: ReleaseEntry, to json: inout JSONWriter) {
    let key = GroupKey(project: project.id, release: entry.record.version)
    let hasHealthData =
      request.withHealth
      && (health.summary[key] != nil
        || entry.places(request.environments).contains { $0.project == project.id })
    json.object { json in
      json.member("id") { $0.value(project.id.rawValue) }
      json.member("slug") { $0.value(project.slug) }
      json.member("name") { $0.value(project.slug) }
      json.member("newGroups") { $0.value(0) }
      json.member("platform") { $0.optional(project.platform) }
      json.member("platforms") { json in
        json.array { json in
          if let platform = project.platform { json.value(platform) }
        }
      }
      json.member("hasHealthData") { $0.value(hasHealthData) }
      if request.withHealth {
        json.member("healthData") { writeHealth(project.id, key, hasHealthData, to: &$0) }
      }
    }
  }

  /// Writes the health. Percentages are of 100 here, unlike in the sessions API, and not rounded.
  private func writeHealth(
    _ id: ProjectID, _ key: GroupKey, _ hasHealthData: Bool, to json: inout JSONWriter
  ) {
    let summary = health.summary[key] ?? HealthCell()
    let day = health.day[key] ?? HealthCell()
    let project = health.projectDay[id] ?? HealthCell()
    json.object { json in
      json.member("durationP50") { $0.null() }
      json.member("durationP90") { $0.null() }
      json.member("crashFreeUsers") { $0.optional(summary.users.crashFreeRate.map { $0 * 100 }) }
      json.member("crashFreeSessions") {
        $0.optional(summary.sessions.crashFreeRate.map { $0 * 100 })
      }
      json.member("sessionsCrashed") { $0.value(summary.sessions.crashed) }
      json.member("sessionsErrored") { $0.value(summary.sessions.errored) }
      json.member("totalUsers") { $0.value(summary.users.total) }
      json.member("totalUsers24h") { $0.value(day.users.total) }
      json.member("totalProjectUsers24h") { $0.value(project.users.total) }
      json.member("totalSessions") { $0.value(summary.sessions.total) }
      json.member("totalSessions24h") { $0.value(day.sessions.total) }
      json.member("totalProjectSessions24h") { $0.value(project.sessions.total) }
      json.member("adoption") { $0.optional(Self.share(day.users.total, project.users.total)) }
      json.member("sessionsAdoption") {
        $0.optional(Self.share(day.sessions.total, project.sessions.total))
      }
      json.member("stats") { json in
        json.object { json in
          json.member(request.healthPeriod.rawValue) { writeSeries(key, to: &$0) }
        }
      }
      json.member("hasHealthData") { $0.value(hasHealthData) }
      if let overview = health.overviews[key] {
        overview.writeMembers(
          summary,
          before: overview.previous.flatMap {
            health.summary[GroupKey(project: id, release: $0)]
          }, to: &json)
      }
    }
  }

  /// The percentage; null, not 0, for a release without users.
  private static func share(_ part: Int64, _ whole: Int64) -> Double? {
    part > 0 && whole > 0 ? Double(part) / Double(whole) * 100 : nil
  }

  private func writeSeries(_ key: GroupKey, to json: inout JSONWriter) {
    let query = request.seriesQuery
    let series = health.series[key] ?? []
    json.array { json in
      for bucket in 0..<query.bucketCount {
        let minute = query.minutes.lowerBound + bucket * request.healthPeriod.intervalMinutes
        let cell = bucket < series.count ? series[bucket] : HealthCell()
        json.array { json in
          json.value(Timestamp(minute: minute).seconds)
          json.value(request.healthStat == .sessions ? cell.sessions.total : cell.users.total)
        }
      }
    }
  }

  /// Writes the adoption stages by project, or null if the release has no environment. Of several
  /// environments of a project the one that was first seen last decides.
  private func writeStages(_ entry: ReleaseEntry, to json: inout JSONWriter) {
    let places = entry.places(request.environments).filter { $0.environment != nil }
    if places.isEmpty {
      json.null()
      return
    }
    json.object { json in
      for project in entry.projects {
        let seen = places.filter { $0.project == project.id }
        guard let newest = seen.max(by: { $0.firstSeen < $1.firstSeen }) else { continue }
        json.member(project.slug) { json in
          json.object { json in
            json.member("stage") { $0.value(newest.adoption.stage.rawValue) }
            json.member("adopted") { $0.optional(newest.adoption.adopted.map(RFC3339.format)) }
            json.member("unadopted") {
              $0.optional(newest.adoption.unadopted.map(RFC3339.format))
            }
          }
        }
      }
    }
  }
}

/// The neighbours and the session times on the page of one release.
struct ReleaseMeta {
  /// Hours since 1970.
  private let sessionHours: ClosedRange<Int>?
  private let next: String?
  private let previous: String?
  private let first: String?
  private let last: String?

  /// - Parameters:
  ///   - id: a release among the entries.
  ///   - entries: the entries in the order of the list.
  init(of id: Int64, among entries: [ReleaseEntry], sessionHours: ClosedRange<Int>?) {
    self.sessionHours = sessionHours
    // Lists begin with the newest, so the previous entry in a list is the next one in time. Sentry
    // reverses them for the same reason.
    last = entries.first?.record.version
    first = entries.last?.record.version
    // A flat list may have the release several times; its other projects are no neighbours.
    let index = entries.firstIndex { $0.record.id == id } ?? entries.endIndex
    next = entries[..<index].last?.record.version
    previous = entries[index...].first { $0.record.id != id }?.record.version
  }

  func write(to json: inout JSONWriter) {
    let format: (Int) -> String = { RFC3339.format(Timestamp(minute: $0 * 60)) }
    json.member("nextReleaseVersion") { $0.optional(next) }
    json.member("prevReleaseVersion") { $0.optional(previous) }
    json.member("sessionsLowerBound") { $0.optional(sessionHours.map { format($0.lowerBound) }) }
    json.member("sessionsUpperBound") { $0.optional(sessionHours.map { format($0.upperBound) }) }
    json.member("firstReleaseVersion") { $0.optional(first) }
    json.member("lastReleaseVersion") { $0.optional(last) }
  }
}
