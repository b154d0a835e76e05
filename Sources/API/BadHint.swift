package import Storage
internal import ReleaseHealth

/// The hint that unhandled errors are many, but not bad, and that nobody chose that: without a
/// platform, the gate of a page is green and its budget full whatever happens.
package enum BadHint {
  /// The share of sessions or users from which on they are many, where no limit is stricter.
  private static let shareMin = 0.01

  /// One sentence; nil where there is nothing to hint at.
  ///
  /// - Parameters:
  ///   - failed: those with a crash or an unhandled error.
  ///   - tolerated: the share that may be bad; nil without a limit.
  ///   - projects: those whose settings decide.
  package static func sentence(
    crashed: Int64, failed: Int64, of total: Int64, tolerated: Double? = nil, _ projects: [Project]
  ) -> String? {
    let unhandled = failed - crashed
    guard unhandled > crashed,
      Double(failed) > min(shareMin, tolerated ?? shareMin) * Double(total),
      BadStatuses.widest(projects.map(\.bad)) == .crashed
    else { return nil }
    let usual = projects.filter { $0.settings.bad == nil }
    guard let project = usual.first(where: { $0.platform == nil }) ?? usual.first else {
      return nil
    }
    let reason =
      project.platform.map { "that is the default of platform \($0)" }
      ?? "\(project.slug) has no platform"
    // By its id: two organizations may have projects of one slug.
    return "\(unhandled) of \(total) had an unhandled error and no crash, which is not bad here, "
      + "because \(reason): `hale project set \(project.id.rawValue) --bad crashed+unhandled` "
      + "changes that, and `--bad crashed` ends this hint."
  }
}
