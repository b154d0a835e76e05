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

  /// The reason why a release is unknown, with the newest ones.
  package func refusal(ofRelease name: String) throws(StoreError) -> String {
    NearNames.sentence("release", name, among: try releases(), listed: 3)
  }

  /// Whether an unknown release looks like a slip of the hand, not like one that is still to come.
  ///
  /// The next version of a package differs from the one before in a digit, so that only other parts
  /// count: case, punctuation, a `v` before the version, and the package, where no release has it.
  package func resembles(release name: String) throws(StoreError) -> Bool {
    let (given, form) = (ReleaseVersion(name), Self.form(name))
    let known = try releases().map { ReleaseVersion($0) }
    let isPackageKnown = known.contains { $0.package == given.package }
    return known.contains { known in
      if Self.form(known.name) == form { return true }
      guard !isPackageKnown, let package = known.package else { return false }
      guard let own = given.package else {
        return Self.form(known.versionRaw) == Self.form(given.versionRaw)
      }
      // Of two applications one may be the other's next generation.
      // `web-b` is no slip of `web-a`.
      return NearNames.isSlip(own, of: package) && own.dropLast() != package.dropLast()
        && own.utf8.filter(\.isDigit) == package.utf8.filter(\.isDigit)
    }
  }

  /// A release without what people leave out or add: `Shop-v2.1.0` and `shop@2.1.0` have the same.
  private static func form(_ name: String) -> [UInt8] {
    let bytes = Array(name.lowercased().utf8)
    return bytes.indices.compactMap { index in
      let byte = bytes[index]
      let isAfterDigit = index > 0 && bytes[index - 1].isDigit
      let isBeforeDigit = bytes[(index + 1)...].first?.isDigit == true
      // Between digits a separator makes another version of them.
      if "@-_/ ".utf8.contains(byte) { return isAfterDigit && isBeforeDigit ? byte : nil }
      let isFirst = index == 0 || !bytes[index - 1].isAlphanumeric
      return byte == UInt8(ascii: "v") && isFirst && isBeforeDigit ? nil : byte
    }
  }
}
