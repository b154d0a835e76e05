package import Storage
internal import ReleaseHealth

/// The hint that unhandled errors are many, but not bad, and that nobody chose that: without a
/// platform, the gate of a page is green and its budget full whatever happens.
package struct BadHint {
  /// The share of sessions or users from which on they are many, where no limit is stricter.
  private static let shareMin = 0.01

  private let crashed: Int64
  private let failed: Int64
  private let total: Int64
  /// What is counted.
  private let unit: String

  /// - Parameters:
  ///   - failed: those with a crash or an unhandled error.
  ///   - unit: what is counted: sessions or users.
  package init(crashed: Int64, failed: Int64, of total: Int64, unit: String = "sessions") {
    self.crashed = crashed
    self.failed = failed
    self.total = total
    self.unit = unit
  }

  /// One sentence; nil where there is nothing to hint at.
  ///
  /// - Parameters:
  ///   - projects: those whose settings decide.
  ///   - tolerated: the share that may be bad; nil without a limit.
  package func sentence(
    _ projects: [Project], of organization: Organization, tolerated: Double? = nil
  ) -> String? {
    let unhandled = failed - crashed
    guard unhandled > crashed,
      Double(failed) > min(Self.shareMin, tolerated ?? Self.shareMin) * Double(total),
      BadStatuses.widest(projects.map(\.bad)) == .crashed
    else { return nil }
    let usual = projects.filter { $0.settings.bad == nil }
    guard let project = usual.first(where: { $0.platform == nil }) ?? usual.first else {
      return nil
    }
    let reason =
      project.platform.map { "that is the default of platform \($0)" }
      ?? "\(project.slug) has no platform"
    // Two organizations may have projects of one slug.
    let owner = organization.slug == "default" ? "" : " --org \(organization.slug)"
    return "\(unhandled) of \(total) \(unit) had an unhandled error and no crash, which is not bad "
      + "here, because \(reason): `hale project set \(project.slug)\(owner) --bad "
      + "crashed+unhandled` changes that, and `--bad crashed` ends this hint."
  }
}
