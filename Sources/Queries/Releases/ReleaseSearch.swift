internal import API
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
  ///
  /// Each character is looked at a few times at most: a regular expression goes back and forth over
  /// blanks, for minutes where there are many.
  private static func describedBuild(_ text: String) -> [String]? {
    let text = text.lowercased()
    guard !text.contains(":"), let opening = text.firstIndex(of: "("),
      let end = text[..<opening].lastIndex(where: { !$0.isWhitespace })
    else { return nil }
    let (name, blanks) = (text[...end], text[text.index(after: end)..<opening])
    let behind = text[text.index(after: opening)...]
    let build = behind.prefix { !$0.isWhitespace && $0 != "(" && $0 != ")" }
    let rest = behind[build.endIndex...]
    guard !name.contains(")"), !blanks.isEmpty, !build.isEmpty, rest.first == ")",
      rest.dropFirst().allSatisfy(\.isWhitespace),
      !["", "and", "or"].contains(name.split(separator: " ").last ?? "")
    else { return nil }
    return ["\(name)+\(build)", text]
  }
}
