internal import ReleaseHealth
internal import Storage

/// A search over releases: terms over the name's parts and the adoption stage, and free text, which
/// is looked for in the name.
struct ReleaseSearch {
  private enum Condition {
    /// In lower case.
    case contains([String])
    case release(ReleaseCondition, isNegated: Bool)
  }

  private let conditions: SearchTree<Condition>

  /// - Parameter environments: those that the request selects.
  init(_ text: String, environments: EnvironmentSelection) throws(APIError) {
    if let texts = Self.describedBuild(text) {
      conditions = .leaf(.contains(texts))
      return
    }
    conditions = try SearchTree(text).map { (leaf, _) throws(APIError) in
      switch leaf {
      case .freeText(let text): return .contains([text.lowercased()])
      case .term(let term):
        guard let condition = try ReleaseCondition(term, environments: environments) else {
          throw .badRequest("Invalid query field: \"\(term.key)\"")
        }
        return .release(condition, isNegated: term.isNegated)
      }
    }
  }

  func includes(_ release: ReleaseSubject) -> Bool {
    conditions.holds { condition in
      switch condition {
      case .contains(let texts):
        let name = release.name.lowercased()
        return texts.contains { name.contains($0) }
      case .release(let condition, let isNegated):
        return condition.holds(for: release) != isNegated
      }
    }
  }

  /// `1.9.0 (7)`, as releases are shown to people, who copy it: the release `1.9.0+7`, or one with
  /// that text in its name. Sentry reads it so, too.
  private static func describedBuild(_ text: String) -> [String]? {
    let text = text.lowercased()
    guard !text.contains(":"), let match = text.wholeMatch(of: /([^()]*?)\s+\(([^()\s]+)\)\s*/),
      !["", "and", "or"].contains(match.1.split(separator: " ").last ?? "")
    else { return nil }
    return ["\(match.1)+\(match.2)", text]
  }
}
