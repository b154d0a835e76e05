package import ReleaseHealth
package import Storage

extension AlertRule {
  /// What the rule names and nothing matches yet, by the member of the rule, with near names.
  ///
  /// A rule may name what is still to come, so these are no ``problems``. But one with a slip of
  /// the hand could never fire, and nobody would see that.
  ///
  /// Blocks.
  package func unmatched(
    of organization: OrganizationID, _ store: any ReleaseReading
  ) throws(StoreError) -> [Problem] {
    let known = KnownNames(of: organization, Set(projects), store)
    var found: [Problem] = []
    if try known.haveNoSessions() {
      found.append(Problem("projects", "No session of the projects has arrived yet."))
    }
    if let environment, let refusal = try known.refusal(ofEnvironment: environment) {
      found.append(Problem("environment", refusal))
    }
    switch releases {
    case .all, .latest: break
    case .one(let name):
      if try known.release(name) == nil {
        found.append(Problem("release", try known.refusal(ofRelease: name)))
      }
    case .pattern(let text):
      if try known.releases(like: TextPattern(text), limit: 1).isEmpty {
        found.append(Problem("release", "There is no release that matches \"\(text)\"."))
      }
    }
    return found
  }
}
