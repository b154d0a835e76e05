internal import Bytes
package import ReleaseHealth

/// The releases and environments that some projects have so far: of their sessions, and of release
/// tools with their deploys. A name that is none of them selects nothing. Everything blocks.
///
/// There may be very many, and most requests name one that there is: names are read where an answer
/// needs them, and of releases only the newest.
package struct KnownNames {
  private let store: any ReleaseReading
  package let organization: OrganizationID
  private let projects: Set<ProjectID>

  /// The number of releases, the newest ones, among which what is near to a name is looked for.
  package static let releasesMax = 5000
  /// The number of environments that errors know.
  private static let environmentsMax = 5000

  package init(
    of organization: OrganizationID, _ projects: Set<ProjectID>, _ store: any ReleaseReading
  ) {
    self.organization = organization
    self.projects = projects
    self.store = store
  }

  // MARK: Environments

  /// Whether no session has arrived yet.
  package func haveNoSessions() throws(StoreError) -> Bool {
    try !store.haveSessions(projects)
  }

  /// The reason why a selection of environments has some that are unknown, each of which it names;
  /// nil where it has none.
  package func refusal(of selection: EnvironmentSelection) throws(StoreError) -> String? {
    let unknown = try unknown(of: selection)
    if unknown.isEmpty { return nil }
    let known = try environments()
    return unknown.map { NearNames.sentence("environment", $0, among: known) }
      .joined(separator: " ")
  }

  /// The reason why nothing matches an environment, which may be the empty one: that of sessions
  /// without an environment.
  package func refusal(ofEnvironment name: String) throws(StoreError) -> String? {
    let selection = EnvironmentSelection([name])
    if !name.isEmpty { return try refusal(of: selection) }
    if try store.used(selection, in: projects).contains(Name("")) { return nil }
    return "No session without an environment has arrived yet."
  }

  /// The environments of a selection that are unknown, the first twenty: each is held against all
  /// known ones where it is named.
  package func unknown(of selection: EnvironmentSelection) throws(StoreError) -> [String] {
    // The empty one stands for sessions without an environment.
    let given = selection.given.filter { !$0.text.isEmpty }
    if given.isEmpty { return [] }
    // By bytes, as in the store: two spellings of one text are two environments.
    let known = try store.used(selection, in: projects)
    return given.filter { !known.contains($0) }.prefix(20).map(\.text)
  }

  /// The names of the environments, ascending; of very many, the first ones.
  package func environments() throws(StoreError) -> [String] {
    let list = EnvironmentList(of: organization, in: projects, limit: Self.environmentsMax)
    return try store.environments(list).map(\.name)
  }

  // MARK: Releases

  package func release(_ name: String) throws(StoreError) -> ReleaseRecord? {
    let record = try store.release(name, of: organization)
    return record.flatMap { projects.isDisjoint(with: $0.projects) ? nil : $0 }
  }

  /// The names of the newest releases, the newest first.
  ///
  /// - Parameter pattern: what they look like; nil for any.
  package func releases(
    like pattern: TextPattern? = nil, limit: Int = KnownNames.releasesMax
  ) throws(StoreError) -> [String] {
    // A flat list has no releases without a project, and one with several of the projects twice.
    var list = ReleaseList(of: organization, projects: projects, limit: limit)
    list.isFlat = true
    list.ofFinalized = pattern.map { .releaseMatches($0) } ?? .everything
    list.ofOthers = list.ofFinalized
    var names: [String] = []
    for listing in try store.releases(list)
    where names.last.map({ Name($0) == Name(listing.version) }) != true {
      names.append(listing.version)
    }
    return names
  }

  /// The reason why a release is unknown, with the near ones and the newest.
  ///
  /// - Parameter mayCome: whether the release is waited for where no known one resembles it: then
  ///   its name is right, and no other is near.
  package func refusal(
    ofRelease name: String, mayCome: Bool = false
  ) throws(StoreError) -> String {
    let releases = try releases()
    let meant = Self.meant(by: name, among: releases)
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
  package func mayCome(release name: String) throws(StoreError) -> Bool {
    guard Normalization.isValidRelease(name) else { return false }
    return Self.meant(by: name, among: try releases()).isEmpty
  }

  /// The known releases, and `latest`, that an unknown name plainly stands for.
  private static func meant(by name: String, among releases: [String]) -> [String] {
    // No release has this name, but everywhere it means one.
    if NearNames.isSlip(name, of: "latest") { return ["latest"] }
    return ReleaseLikeness(name).likely(among: releases)
  }
}
