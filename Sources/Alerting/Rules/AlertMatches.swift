package import ReleaseHealth
package import Storage

extension AlertRule {
  /// What the rule names and nothing matches yet, by the member of the rule, with near names.
  ///
  /// A rule may name what is still to come, so these are no ``problems``. But one with a slip of
  /// the hand could never fire, and nobody would see that.
  ///
  /// - Parameter names: the names of the organization.
  package func unmatched(in names: KnownNames) -> [Problem] {
    let known = names.of(Set(projects))
    var found: [Problem] = []
    if known.hasNoSessions {
      found.append(Problem("projects", "No session of the projects has arrived yet."))
    }
    if let refusal = environment.flatMap({ known.refusal(ofEnvironment: $0) }) {
      found.append(Problem("environment", refusal))
    }
    switch releases {
    case .all, .latest: break
    case .one(let name):
      if known.release(name) == nil {
        found.append(Problem("release", known.refusal(ofRelease: name)))
      }
    case .pattern(let text):
      if !known.releases.contains(where: TextPattern(text).matches) {
        found.append(Problem("release", "There is no release that matches \"\(text)\"."))
      }
    }
    return found
  }
}
