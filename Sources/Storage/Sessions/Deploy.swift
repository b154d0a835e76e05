package import ReleaseHealth

/// A deploy: a release went to an environment, as a release tool reported it.
package struct Deploy: Equatable, Sendable {
  /// Greater than that of each earlier deploy; 0 before it is stored.
  package var id: Int64 = 0
  /// Ascending. In a ``ReleaseRecord``: only those whose last deploy to the environment it is.
  package var projects: [ProjectID]
  package var environment: String
  package var name: String?
  package var url: String?
  package var started: Timestamp?
  package var finished: Timestamp

  package init(projects: [ProjectID], environment: String, finished: Timestamp) {
    self.projects = projects
    self.environment = environment
    self.finished = finished
  }
}

/// The deploys of a release.
package struct ReleaseDeploys: Equatable, Sendable {
  /// The number of all.
  package var count: Int64 = 0
  /// The last one of each project and environment. The one that was stored last comes first,
  /// whatever its dates are.
  package var current: [Deploy] = []

  package init() {}

  /// The current ones of some of the projects. A deploy without a project belongs to the whole
  /// organization, as its release does.
  package func current(of projects: Set<ProjectID>) -> [Deploy] {
    current.filter { $0.projects.isEmpty || !projects.isDisjoint(with: $0.projects) }
  }
}
