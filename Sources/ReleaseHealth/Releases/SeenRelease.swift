/// What is known of a release beside its counts, as far as it decides which one is the latest.
package struct ReleaseStanding: Sendable {
  fileprivate let package: String?
  /// Whether the name is `package@version`: any other is no release of a package.
  fileprivate let hasVersion: Bool
  fileprivate let rank: ReleaseRank
  /// The adoption of the release in each of the selected environments.
  fileprivate let adoption: [AdoptionTimes]

  /// Parses the name, so keep the value where the same release is looked at again.
  ///
  /// - Parameter created: when the release was created over the API, or first seen in a session.
  package init(
    of name: String, created: Timestamp = Timestamp(seconds: 0), adoption: [AdoptionTimes] = []
  ) {
    let version = ReleaseVersion(name)
    package = version.package
    hasVersion = version.version != nil
    rank = ReleaseRank(name, version: version, created: created)
    self.adoption = adoption
  }
}

/// A release with sessions in a window.
package struct SeenRelease: Sendable {
  package let name: String
  fileprivate let sessions: Int64
  fileprivate let standing: ReleaseStanding

  /// - Parameter standing: nil where nothing but the sessions is known.
  package init(_ name: String, sessions: Int64, _ standing: ReleaseStanding?) {
    self.name = name
    self.sessions = sessions
    self.standing = standing ?? ReleaseStanding(of: name)
  }
}

extension SeenRelease {
  /// The sessions below which a release is no candidate for `latest`, wherever a rule or a gate has
  /// no minimum of its own: so that a search, a page and a gate mean the same release.
  package static let sessionsMinDefault: Int64 = 100
}

extension [SeenRelease] {
  /// The release that `latest` stands for: the highest one of the package with the most sessions,
  /// or, where no candidate has a version, the one that was first seen last; nil without releases.
  ///
  /// Where a release is adopted, those with too few sessions are no candidates, so that a build of
  /// some testers does not hide what users have. Without an adopted one, as in the first hours of a
  /// project, or without one that has enough sessions, all are.
  ///
  /// - Parameters:
  ///   - time: the end of the window.
  ///   - sessionsMin: 0 for ``SeenRelease/sessionsMinDefault``.
  package func latest(at time: Timestamp, sessionsMin: Int64 = 0) -> SeenRelease? {
    let sessionsMin = sessionsMin > 0 ? sessionsMin : SeenRelease.sessionsMinDefault
    let isAnyAdopted = contains { $0.standing.adoption.contains { $0.isAdopted(at: time) } }
    let isLimited = isAnyAdopted && contains { $0.sessions >= sessionsMin }
    let candidates = indices.filter { !isLimited || self[$0].sessions >= sessionsMin }
    let versioned = candidates.filter { self[$0].standing.hasVersion }
    if versioned.isEmpty {
      return candidates.max { self[$0].standing.rank < self[$1].standing.rank }.map { self[$0] }
    }
    // Of each package its sessions and its highest release; there may be thousands of releases.
    var packages: [String?: (sessions: Int64, highest: Int)] = [:]
    for index in versioned {
      let standing = self[index].standing
      var entry = packages[standing.package] ?? (0, index)
      entry.sessions += self[index].sessions
      if self[entry.highest].standing.rank < standing.rank { entry.highest = index }
      packages[standing.package] = entry
    }
    let most = packages.values.max {
      ($0.sessions, self[$0.highest].standing.rank) < ($1.sessions, self[$1.highest].standing.rank)
    }
    return most.map { self[$0.highest] }
  }

  /// The next lower release of the same package.
  package func previous(to release: SeenRelease) -> SeenRelease? {
    filter {
      $0.standing.package == release.standing.package && $0.standing.rank < release.standing.rank
    }
    .max { $0.standing.rank < $1.standing.rank }
  }
}
