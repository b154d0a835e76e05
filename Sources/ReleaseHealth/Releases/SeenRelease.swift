/// What is known of a release beside its counts, as far as it decides which one is the latest.
package struct ReleaseStanding: Sendable {
  /// When the release was created over the API, or first seen in a session.
  package var created: Timestamp
  /// The adoption of the release in each of the selected environments.
  package var adoption: [AdoptionTimes]

  package init(created: Timestamp = Timestamp(seconds: 0), adoption: [AdoptionTimes] = []) {
    self.created = created
    self.adoption = adoption
  }
}

/// A release with sessions in a window.
package struct SeenRelease: Sendable {
  package let name: String
  fileprivate let sessions: Int64
  fileprivate let package: String?
  fileprivate let rank: ReleaseRank
  fileprivate let adoption: [AdoptionTimes]

  /// - Parameter standing: nil where nothing but the sessions is known.
  package init(_ name: String, sessions: Int64, _ standing: ReleaseStanding?) {
    let (version, standing) = (ReleaseVersion(name), standing ?? ReleaseStanding())
    self.name = name
    self.sessions = sessions
    package = version.package
    rank = ReleaseRank(name, version: version, created: standing.created)
    adoption = standing.adoption
  }
}

extension [SeenRelease] {
  /// The release that `latest` stands for: the highest one of the package with the most sessions;
  /// nil without releases.
  ///
  /// Where a release is adopted, those with too few sessions are no candidates, so that a build of
  /// some testers does not hide what users have. Without an adopted one, as in the first hours of a
  /// project, or without one that has enough sessions, all are.
  ///
  /// - Parameter time: the end of the window.
  package func latest(at time: Timestamp, sessionsMin: Int64) -> SeenRelease? {
    let isAnyAdopted = contains { $0.adoption.contains { $0.isAdopted(at: time) } }
    let large = isAnyAdopted ? filter { $0.sessions >= sessionsMin } : self
    let packages = Dictionary(grouping: large.isEmpty ? self : large, by: \.package)
    let highest = packages.values.compactMap { releases in
      releases.max { $0.rank < $1.rank }.map { (releases.reduce(0) { $0 + $1.sessions }, $0) }
    }
    return highest.max { ($0.0, $0.1.rank) < ($1.0, $1.1.rank) }?.1
  }

  /// The next lower release of the same package.
  package func previous(to release: SeenRelease) -> SeenRelease? {
    filter { $0.package == release.package && $0.rank < release.rank }.max { $0.rank < $1.rank }
  }
}
