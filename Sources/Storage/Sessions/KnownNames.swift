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

  /// The reason why a release is unknown, with the newest ones.
  package func refusal(ofRelease name: String) -> String {
    NearNames.sentence("release", name, among: releases, listed: 3)
  }

  /// Whether an unknown release looks like a slip of the hand, not like one that is still to come.
  ///
  /// The next version of a package differs from the one before in a digit, so that only other parts
  /// count: case, punctuation, a `v` before the version, and the package, where no release has it.
  package func resembles(release name: String) -> Bool {
    let (given, form) = (ReleaseVersion(name), Self.form(name))
    let known = releases.map { ReleaseVersion($0) }
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
