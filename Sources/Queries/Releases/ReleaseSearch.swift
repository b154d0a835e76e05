internal import API
internal import Bytes
internal import ReleaseHealth
internal import Storage

/// A search over releases: terms about the name's parts and the adoption stage, and free text that
/// the name contains.
struct ReleaseSearch {
  private var filter: SeriesFilter

  init(_ text: String, environments: EnvironmentSelection) throws(APIError) {
    if let texts = Self.describedBuild(text) {
      filter = .any(texts.map { .releaseContains($0) })
      return
    }
    filter = try SearchTree(text).filter { (leaf, _) throws(APIError) in
      switch leaf {
      case .freeText(let text): return .releaseContains(text.lowercased())
      case .term(let term):
        guard let filter = try ReleaseTerms.filter(term, environments: environments) else {
          if let name = Self.pastedName(term) {
            return SeriesFilter.releaseContains(name).negated(if: term.isNegated)
          }
          throw .badRequest("Invalid query field: \"\(term.key)\"")
        }
        return filter
      }
    }
  }

  /// Replaces `release:latest` by the release that it means. Blocks.
  ///
  /// - Parameter query: what counts beside the search.
  mutating func nameLatest(
    in query: HealthQuery, of organization: OrganizationID,
    _ store: any SessionReading & ReleaseReading
  ) throws(StoreError) {
    guard filter.namesLatest else { return }
    filter = try filter.naming(latestIn: query, of: organization, store).filter
  }

  /// Whether the search matches a release at an adoption stage.
  func finds(_ release: String, at stage: AdoptionStage, version: ReleaseVersion? = nil) -> Bool {
    // No term is about the project or the environment.
    filter.matches(
      SeriesKey(project: ProjectID(rawValue: 0), release: release, environment: nil), stage: stage,
      version: version)
  }

  /// Reads `a:b@1`, a release whose package has a colon, as it was pasted: no value of an unknown
  /// key has an at sign otherwise.
  private static func pastedName(_ term: SearchTerm) -> String? {
    guard term.values.count == 1, let value = term.values[0].literal, !term.values[0].isQuoted,
      value.contains("@"),
      !ReleaseTerms.keys.contains(where: { NearNames.isSlip(term.key, of: $0) })
    else { return nil }
    return "\(term.key):\(value)".lowercased()
  }

  /// Reads `1.9.0 (7)`, the form in which releases are shown and copied: it matches the release
  /// `1.9.0+7` and names with that text. Sentry does so, too.
  ///
  /// It takes linear time; a regular expression would backtrack over blanks, for minutes where
  /// there are many.
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
