internal import Bytes
internal import ReleaseHealth
internal import Storage

/// Writes release objects with the keys of Sentry's API. What Hale does not store (commits,
/// authors, issues, the start) is null, 0 or empty, as in an organization that never sends it.
struct ReleaseJSON {
  let request: ReleasesRequest
  let health: ReleaseHealthData

  func write(_ entry: ReleaseEntry, meta: ReleaseMeta? = nil, to json: inout JSONWriter) {
    let record = entry.record
    json.object { json in
      json.member("id", record.id)
      json.member("version", record.version)
      // Sentry's list has the whole name here, too.
      json.member("shortVersion", record.version)
      json.member("status", record.status.rawValue)
      json.member("versionInfo") { Self.write(entry.version, to: &$0) }
      json.member("ref", record.ref)
      json.member("url", record.url)
      json.member("dateReleased", record.released)
      json.member("dateCreated", record.created)
      json.member("dateStarted") { $0.null() }
      json.member("data") { $0.object { _ in } }
      json.member("newGroups", 0)
      json.member("owner") { $0.null() }
      json.member("commitCount", 0)
      json.member("lastCommit") { $0.null() }
      json.member("deployCount", record.deploys.count)
      json.member("lastDeploy", record.deploys.current.first)
      json.member("authors") { $0.array { _ in } }
      json.array("projects") { json in
        for project in entry.projects { write(project, of: entry, to: &json) }
      }
      json.member("firstEvent") { $0.null() }
      json.member("lastEvent") { $0.null() }
      json.object("currentProjectMeta") { json in meta?.write(to: &json) }
      json.member("userAgent") { $0.null() }
      if request.withStages {
        json.member("adoptionStages") { writeStages(entry, to: &$0) }
      }
    }
  }

  private static func write(_ version: ReleaseVersion, to json: inout JSONWriter) {
    json.object { json in
      json.member("package", version.package)
      json.object("version") { json in
        json.member("raw", version.versionRaw)
        guard let parsed = version.version else { return }
        // As in Sentry; `raw` has all digits.
        json.member("major", parsed.major.value ?? 0)
        json.member("minor", parsed.minor.value ?? 0)
        json.member("patch", parsed.patch.value ?? 0)
        json.member("pre", parsed.prerelease)
        json.member("buildCode", parsed.buildCode)
        json.member("components", parsed.components)
      }
      json.member("description", version.description)
      json.member("buildHash", version.buildHash)
    }
  }

  private func write(_ project: Project, of entry: ReleaseEntry, to json: inout JSONWriter) {
    let key = GroupKey(project: project.id, release: entry.record.version)
    let hasHealthData =
      request.withHealth
      && (health.summary[key] != nil
        || entry.places(request.environments).contains { $0.project == project.id })
    json.object { json in
      json.member("id", project.id.rawValue)
      json.member("slug", project.slug)
      json.member("name", project.slug)
      json.member("newGroups", 0)
      json.member("platform", project.platform)
      json.member("platforms", [project.platform].compactMap(\.self))
      json.member("hasHealthData", hasHealthData)
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
      json.member("crashFreeUsers", summary.users.crashFreeRate.map { $0 * 100 })
      json.member("crashFreeSessions", summary.sessions.crashFreeRate.map { $0 * 100 })
      json.member("sessionsCrashed", summary.sessions.crashed)
      json.member("sessionsErrored", summary.sessions.errored)
      json.member("totalUsers", summary.users.total)
      json.member("totalUsers24h", day.users.total)
      json.member("totalProjectUsers24h", project.users.total)
      json.member("totalSessions", summary.sessions.total)
      json.member("totalSessions24h", day.sessions.total)
      json.member("totalProjectSessions24h", project.sessions.total)
      json.member("adoption", Self.share(day.users.total, project.users.total))
      json.member("sessionsAdoption", Self.share(day.sessions.total, project.sessions.total))
      json.object("stats") { json in
        json.member(request.healthPeriod.rawValue) { writeSeries(key, to: &$0) }
      }
      json.member("hasHealthData", hasHealthData)
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
          json.value(request.healthStat.total(of: cell))
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
        json.object(project.slug) { json in
          json.member("stage", newest.adoption.stage.rawValue)
          json.member("adopted", newest.adoption.adopted)
          json.member("unadopted", newest.adoption.unadopted)
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

  /// As in Sentry the filters choose the neighbours, and never hide the release itself; the first
  /// and the last release are those of the projects and environments. Blocks.
  init(
    of record: ReleaseRecord, _ request: ReleasesRequest, in organization: OrganizationID,
    sessionHours: ClosedRange<Int>?, store: any ReleaseReading
  ) throws(StoreError) {
    self.sessionHours = sessionHours
    func release(
      _ request: ReleasesRequest, _ order: ReleaseList.Order, isBehind: Bool
    ) throws(StoreError) -> String? {
      var list = request.list(of: organization, limit: 1)
      list.order = order
      list.after =
        isBehind
        ? ReleaseListing(id: record.id, version: record.version, created: record.created) : nil
      return try store.releases(list).first?.version
    }
    last = try release(request.unfiltered, .created, isBehind: false)
    first = try release(request.unfiltered, .createdAscending, isBehind: false)
    // Lists begin with the newest, so the previous entry in a list is the next one in time. Sentry
    // reverses them for the same reason.
    next = try release(request, .createdAscending, isBehind: true)
    previous = try release(request, .created, isBehind: true)
  }

  func write(to json: inout JSONWriter) {
    func time(ofHour hour: Int) -> Timestamp { Timestamp(minute: hour * 60) }
    json.member("nextReleaseVersion", next)
    json.member("prevReleaseVersion", previous)
    json.member("sessionsLowerBound", sessionHours.map { time(ofHour: $0.lowerBound) })
    json.member("sessionsUpperBound", sessionHours.map { time(ofHour: $0.upperBound) })
    json.member("firstReleaseVersion", first)
    json.member("lastReleaseVersion", last)
  }
}
