internal import Bytes
package import ReleaseHealth

/// The releases and environments that some projects have so far: of their sessions, and of release
/// tools with their deploys. A name that is none of them selects nothing.
package struct KnownNames: Sendable {
  private let all: [ReleaseRecord]
  /// The projects that count; nil for all.
  private let projects: Set<ProjectID>?
  private let uses: [ProjectID: ProjectUse]

  /// The names of all projects of an organization. Blocks.
  package init(of organization: OrganizationID, _ store: any ReleaseReading) throws(StoreError) {
    self.init(
      records: try store.releases(of: organization), uses: try store.uses(of: organization))
  }

  package init(
    records: [ReleaseRecord], uses: [ProjectID: ProjectUse], of projects: Set<ProjectID>? = nil
  ) {
    all = records
    self.projects = projects
    self.uses = uses
  }

  /// The names of some of the projects. The releases are filtered where they are read: most rules
  /// need none of thousands.
  package func of(_ projects: Set<ProjectID>) -> KnownNames {
    KnownNames(
      records: all, uses: uses.filter { projects.contains($0.key) },
      of: self.projects?.intersection(projects) ?? projects)
  }

  /// The releases, newest first.
  package var records: [ReleaseRecord] { all.filter(isOfProjects) }

  private func isOfProjects(_ record: ReleaseRecord) -> Bool {
    projects?.isDisjoint(with: record.projects) != true
  }

  /// Whether no session has arrived yet.
  package var hasNoSessions: Bool { uses.allSatisfy(\.value.hasNoSessions) }

  /// The names of the releases, newest first.
  package var releases: [String] { records.map(\.version) }

  package func release(_ name: String) -> ReleaseRecord? {
    let name = Name(name)
    return all.first { Name($0.version) == name && isOfProjects($0) }
  }

  /// The reason why a selection of environments has some that are unknown, each of which it names;
  /// nil where it has none.
  package func refusal(of selection: EnvironmentSelection) -> String? {
    let unknown = unknown(of: selection)
    if unknown.isEmpty { return nil }
    let known = environments
    return unknown.map { NearNames.sentence("environment", $0, among: known) }
      .joined(separator: " ")
  }

  /// The reason why nothing matches an environment, which may be the empty one: that of sessions
  /// without an environment.
  package func refusal(ofEnvironment name: String) -> String? {
    if !name.isEmpty { return refusal(of: EnvironmentSelection([name])) }
    if uses.contains(where: { $0.value.allEnvironments.contains(Name("")) }) { return nil }
    return "No session without an environment has arrived yet."
  }

  /// The environments of a selection that are unknown, the first twenty: each is held against all
  /// known ones where it is named.
  package func unknown(of selection: EnvironmentSelection) -> [String] {
    // By bytes, as in the store: two spellings of one text are two environments.
    let known = Set(uses.flatMap(\.value.allEnvironments))
    // The empty one stands for sessions without an environment.
    let unknown = selection.given.filter { !$0.text.isEmpty && !known.contains($0) }
    return unknown.prefix(20).map(\.text)
  }

  /// The names of the environments, ascending.
  package var environments: [String] {
    Set(uses.flatMap(\.value.allEnvironments)).sorted().map(\.text)
      .filter { !$0.isEmpty }
  }

  /// The reason why a release is unknown, with the near ones and the newest.
  ///
  /// - Parameter mayCome: whether the release is waited for where no known one resembles it: then
  ///   its name is right, and no other is near.
  package func refusal(ofRelease name: String, mayCome: Bool = false) -> String {
    let meant = meant(by: name)
    if meant.isEmpty, !Normalization.isValidRelease(name) {
      return "Invalid release: \"\(name)\". \(Normalization.releaseRule)"
    }
    let isNew = meant.isEmpty && mayCome
    let near = isNew ? [] : NearNames.near(name, among: meant.isEmpty ? releases : meant)
    return NearNames.sentence(
      "release", name, near: near + meant.filter { !near.contains($0) }, among: releases, listed: 3)
  }

  /// Whether sessions of an unknown release may still arrive: it can be the name of one, and no
  /// known release resembles it.
  package func mayCome(release name: String) -> Bool {
    Normalization.isValidRelease(name) && meant(by: name).isEmpty
  }

  /// The known releases, and `latest`, that an unknown name plainly stands for.
  private func meant(by name: String) -> [String] {
    // No release has this name, but everywhere it means one.
    if NearNames.isSlip(name, of: "latest") { return ["latest"] }
    return ReleaseLikeness(name).likely(among: releases)
  }
}
