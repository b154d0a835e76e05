package import ReleaseHealth

/// A query for counts.
package struct HealthQuery: Equatable, Sendable {
  package enum Dimension: Hashable, Sendable {
    case project, release, environment
  }

  package struct Measures: OptionSet, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
      self.rawValue = rawValue
    }

    package static let sessions = Measures(rawValue: 1)
    package static let users = Measures(rawValue: 2)
    /// Kept by the hour: buckets are whole hours, and a range that begins or ends within an hour
    /// has the durations of all of it.
    package static let durations = Measures(rawValue: 4)
  }

  /// The projects that it is about.
  package var projects: Set<ProjectID>
  /// Which of their series count.
  package var filter = SeriesFilter.everything
  /// Minutes since 1970: the first, and the one after the last.
  package var minutes: Range<Int>
  /// The length of a bucket of the series in minutes; buckets start at the range's first minute
  /// and the last one may be shorter. nil for totals only.
  package var intervalMinutes: Int?
  package var groupBy: Set<Dimension> = []
  /// When given, only these groups stand for themselves; all others count together under the empty
  /// key. A series is held for each group: with this, for no more than are shown.
  package var named: Set<GroupKey>?
  package var measures: Measures = [.sessions]
  /// When given, no more groups than this are counted: those with the most sessions. Which ones of
  /// those with equally many is not defined.
  package var groupsMax: Int?

  /// The usual ``groupsMax`` of queries whose groups are ranked. There may be any number of
  /// releases with a session each.
  package static let rankedGroupsMax = 10_000

  package init(projects: Set<ProjectID>, minutes: Range<Int>) {
    self.projects = projects
    self.minutes = minutes
  }

  /// How many buckets the series has.
  package var bucketCount: Int {
    guard let intervalMinutes, !minutes.isEmpty else { return 0 }
    return (minutes.count + intervalMinutes - 1) / intervalMinutes
  }

  /// The group that a series belongs to.
  package func groupKey(of series: SeriesKey) -> GroupKey {
    let key = GroupKey(of: series, by: groupBy)
    return named?.contains(key) == false ? GroupKey() : key
  }
}

/// What the members of a group have in common; nil where the query does not group.
package struct GroupKey: Hashable, Comparable, Sendable {
  package var project: ProjectID?
  package var release: String?
  /// Empty for sessions without an environment.
  package var environment: String?

  package init(project: ProjectID? = nil, release: String? = nil, environment: String? = nil) {
    self.project = project
    self.release = release
    self.environment = environment
  }

  /// The part of a series that the members of its group share.
  package init(of series: SeriesKey, by dimensions: Set<HealthQuery.Dimension>) {
    self.init(
      project: dimensions.contains(.project) ? series.project : nil,
      release: dimensions.contains(.release) ? series.release : nil,
      environment: dimensions.contains(.environment) ? series.environment ?? "" : nil)
  }

  package static func == (left: GroupKey, right: GroupKey) -> Bool {
    left.project == right.project && left.release.map { Name($0) } == right.release.map { Name($0) }
      && left.environment.map { Name($0) } == right.environment.map { Name($0) }
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(project)
    hasher.combine(release.map { Name($0) })
    hasher.combine(environment.map { Name($0) })
  }

  package static func < (left: GroupKey, right: GroupKey) -> Bool {
    if left.project != right.project {
      return (left.project?.rawValue ?? 0) < (right.project?.rawValue ?? 0)
    }
    let releases = (Name(left.release ?? ""), Name(right.release ?? ""))
    if releases.0 != releases.1 { return releases.0 < releases.1 }
    return Name(left.environment ?? "") < Name(right.environment ?? "")
  }
}

/// One group of an answer. Groups in which nothing was counted are omitted.
package struct HealthGroup: Equatable, Sendable {
  package var key: GroupKey
  package var totals: HealthCell
  /// One cell a bucket; empty when the query has no interval.
  package var series: [HealthCell]

  package init(key: GroupKey, totals: HealthCell, series: [HealthCell]) {
    self.key = key
    self.totals = totals
    self.series = series
  }
}

/// The counts of a group in a range.
package struct HealthCell: Equatable, Sendable {
  package var sessions: SessionCounts
  /// Distinct users; zero when the query does not measure them.
  package var users: UserCounts
  /// nil when nothing exited, and when the query does not measure them.
  package var durations: DurationSummary?

  package init(
    sessions: SessionCounts = SessionCounts(), users: UserCounts = UserCounts(),
    durations: DurationSummary? = nil
  ) {
    self.sessions = sessions
    self.users = users
    self.durations = durations
  }
}
