internal import Bytes
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
    let selection = EnvironmentSelection([environment].compactMap(\.self))
    if let refusal = try known.refusal(of: selection) {
      found.append(Problem("environment", refusal))
    }
    switch releases {
    case .all, .latest: break
    case .one(let name):
      if try known.release(name) == nil {
        // No release is named `latest`, but the rule may mean it.
        let names = try known.releases() + ["latest"]
        found.append(
          Problem("release", NearNames.sentence("release", name, among: names, listed: 3)))
      }
    case .pattern(let text):
      if try known.releases(like: TextPattern(text), limit: 1).isEmpty {
        found.append(Problem("release", "There is no release that matches \"\(text)\"."))
      }
    }
    return found
  }
}
