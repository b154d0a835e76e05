internal import API
internal import Bytes
internal import ReleaseHealth
internal import Storage

/// A search over releases: terms about the name's parts, the adoption stage and `finalized`, and
/// free text that the name contains.
struct ReleaseSearch {
  /// The filter of finalized releases, those with a date of release.
  private(set) var ofFinalized: SeriesFilter
  /// The filter of the other releases.
  private(set) var ofOthers: SeriesFilter

  static let keys = ReleaseTerms.keys + ["finalized"]

  /// The search that finds every release.
  static let everything = ReleaseSearch(ofFinalized: .everything, ofOthers: .everything)

  private init(ofFinalized: SeriesFilter, ofOthers: SeriesFilter) {
    self.ofFinalized = ofFinalized
    self.ofOthers = ofOthers
  }

  init(_ text: String, environments: EnvironmentSelection) throws(APIError) {
    if let texts = Self.describedBuild(text) {
      ofFinalized = .any(texts.map { .releaseMatches(TextPattern(containing: $0)) })
      ofOthers = ofFinalized
      return
    }
    let tree = try SearchTree(text)
    ofFinalized = try Self.filter(tree, environments, isFinalized: true).checkedSearch()
    ofOthers = try Self.filter(tree, environments, isFinalized: false).checkedSearch()
  }

  /// The filter of the releases that are finalized, or of those that are not: no series says so.
  private static func filter(
    _ tree: SearchTree, _ environments: EnvironmentSelection, isFinalized: Bool
  ) throws(APIError) -> SeriesFilter {
    try tree.filter { (leaf, _) throws(APIError) in
      switch leaf {
      case .freeText(let text): return .releaseMatches(TextPattern(containing: text))
      case .term(let term):
        if let filter = try ReleaseTerms.filter(term, environments: environments) { return filter }
        if term.key == "finalized" {
          return try switches(term).contains(isFinalized) != term.isNegated ? .everything : .any([])
        }
        if let name = pastedName(term) {
          return SeriesFilter.releaseMatches(TextPattern(containing: name))
            .negated(if: term.isNegated)
        }
        throw ReleaseTerms.unknownKey(term, among: keys) { $0 }
      }
    }
  }

  private static func switches(_ term: SearchTerm) throws(APIError) -> [Bool] {
    var values: [Bool] = []
    for value in term.values {
      switch value.literal?.lowercased() {
      case "true": values.append(true)
      case "false": values.append(false)
      default:
        throw .badRequest(
          "Invalid search filter: \(term.key). Give true or false, not \"\(value.text)\".")
      }
    }
    return values
  }

  /// Replaces `release:latest` by the release that it means. Blocks.
  ///
  /// - Parameter query: what counts beside the search.
  mutating func nameLatest(
    in query: HealthQuery, of organization: OrganizationID,
    _ store: any SessionReading & ReleaseReading
  ) throws(StoreError) {
    guard ofFinalized.namesLatest || ofOthers.namesLatest else { return }
    if ofFinalized == ofOthers {
      ofFinalized = try ofFinalized.naming(latestIn: query, of: organization, store).filter
      ofOthers = ofFinalized
      return
    }
    ofFinalized = try ofFinalized.naming(
      latestIn: query, of: organization, isFinalized: true, store
    ).filter
    ofOthers = try ofOthers.naming(
      latestIn: query, of: organization, isFinalized: false, store
    ).filter
  }

  /// Reads `a:b@1`, a release whose package has a colon, as it was pasted: no value of an unknown
  /// key has an at sign otherwise.
  private static func pastedName(_ term: SearchTerm) -> String? {
    guard term.values.count == 1, let value = term.values[0].literal, !term.values[0].isQuoted,
      value.contains("@"),
      // `environment:eu@prod` is a term, which other searches have.
      ReleaseTerms.key(meantBy: term.key) == nil
    else { return nil }
    return "\(term.key):\(value)"
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

extension ReleaseRecord {
  /// Whether a release tool has given its date of release.
  var isFinalized: Bool { released != nil }
}
