internal import ReleaseHealth
internal import Storage

/// A search over releases: free text is looked for in the name, and terms over the name's parts
/// and the adoption stage, of which all have to hold.
struct ReleaseSearch {
  /// A release as the search sees it.
  struct Subject {
    let name: String
    let version: ReleaseVersion
    /// In the one environment that was asked for.
    let stage: AdoptionStage
  }

  private let conditions: [@Sendable (Subject) -> Bool]

  /// - Parameter environments: those that the request selects.
  init(_ text: String, environments: Set<String>?) throws(APIError) {
    var conditions: [@Sendable (Subject) -> Bool] = []
    for token in try SearchLexer.tokens(of: text) {
      switch token {
      case .freeText(let text):
        let wanted = text.lowercased()
        conditions.append { $0.name.lowercased().contains(wanted) }
      case .term(let term):
        let condition = try Self.condition(term, environments: environments)
        conditions.append { condition($0) != term.isNegated }
      case .and: continue
      case .or, .opening, .closing:
        throw .badRequest("OR and parentheses are not supported in the query.")
      }
    }
    self.conditions = conditions
  }

  func includes(_ subject: Subject) -> Bool {
    conditions.allSatisfy { $0(subject) }
  }

  private static func condition(
    _ term: SearchTerm, environments: Set<String>?
  ) throws(APIError) -> @Sendable (Subject) -> Bool {
    switch term.key {
    case "release":
      let patterns = term.values.map(Pattern.init)
      return { subject in patterns.contains { $0.matches(subject.name) } }
    case "release.package":
      let patterns = term.values.map(Pattern.init)
      return { subject in patterns.contains { $0.matches(subject.version.package ?? "") } }
    case "release.version":
      let comparisons = term.values.map(VersionComparison.init)
      return { subject in comparisons.contains { $0.holds(for: subject.version) } }
    case "release.build":
      let comparisons = term.values.map(BuildComparison.init)
      return { subject in comparisons.contains { $0.holds(for: subject.version) } }
    case "release.stage":
      guard environments?.count == 1 else {
        throw .badRequest("release.stage needs exactly one environment.")
      }
      var stages: Set<AdoptionStage> = []
      for value in term.values {
        guard let stage = AdoptionStage(rawValue: value.text) else {
          throw .badRequest(
            "Invalid release.stage: \"\(value.text)\". Valid choices are "
              + AdoptionStage.allCases.map(\.rawValue).joined(separator: ", "))
        }
        stages.insert(stage)
      }
      return { [stages] subject in stages.contains(subject.stage) }
    default:
      throw .badRequest("Invalid query field: \"\(term.key)\"")
    }
  }
}

/// A text with wildcards.
private struct Pattern: Sendable {
  let pieces: [String]

  init(_ value: SearchValue) {
    pieces = value.pieces
  }

  func matches(_ text: String) -> Bool {
    guard let first = pieces.first, let last = pieces.last else { return false }
    if pieces.count == 1 { return text == first }
    guard text.hasPrefix(first), text.hasSuffix(last),
      text.utf8.count >= first.utf8.count + last.utf8.count
    else { return false }
    var rest = text.dropFirst(first.count).dropLast(last.count)
    for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
      guard let range = rest.firstRange(of: piece) else { return false }
      rest = rest[range.upperBound...]
    }
    return true
  }
}

/// `>`, `>=`, `<`, `<=` or nothing before a value.
private enum Relation: Sendable {
  case equal, above, atLeast, below, atMost

  /// Cuts the relation off a value.
  static func split(_ value: SearchValue) -> (relation: Relation, text: String) {
    let text = value.text
    if value.isQuoted { return (.equal, text) }
    for (prefix, relation) in [
      (">=", Relation.atLeast), ("<=", .atMost), (">", .above), ("<", .below),
    ] where text.hasPrefix(prefix) {
      return (relation, String(text.dropFirst(prefix.count)))
    }
    return (.equal, text)
  }

  /// - Parameter order: negative, zero or positive, as what is compared stands to the value.
  func holds(_ order: Int) -> Bool {
    switch self {
    case .equal: order == 0
    case .above: order > 0
    case .atLeast: order >= 0
    case .below: order < 0
    case .atMost: order <= 0
    }
  }
}

/// `release.version:>1.2`, `release.version:1.2.*`.
private struct VersionComparison: Sendable {
  private let pattern: Pattern?
  private let relation: Relation
  private let wanted: ReleaseVersion

  init(_ value: SearchValue) {
    pattern = value.pieces.count > 1 ? Pattern(value) : nil
    let (relation, text) = Relation.split(value)
    self.relation = relation
    // A package makes it be read as a version.
    wanted = ReleaseVersion("-@" + text)
  }

  func holds(for version: ReleaseVersion) -> Bool {
    if let pattern { return pattern.matches(version.raw) }
    guard version.version != nil, wanted.version != nil else {
      return relation.holds(0) && version.raw == wanted.raw
    }
    let order = ReleaseVersion.isHigher(version, than: wanted).map { $0 ? 1 : -1 } ?? 0
    return relation.holds(order)
  }
}

/// `release.build:>42`, `release.build:abc*`.
private struct BuildComparison: Sendable {
  private let pattern: Pattern
  private let relation: Relation
  private let wanted: UInt64?

  init(_ value: SearchValue) {
    pattern = Pattern(value)
    let (relation, text) = Relation.split(value)
    self.relation = relation
    wanted = value.pieces.count == 1 ? UInt64(text) : nil
  }

  func holds(for version: ReleaseVersion) -> Bool {
    guard let wanted, let number = version.buildNumber else {
      return pattern.matches(version.version?.buildCode ?? "")
    }
    return relation.holds(number == wanted ? 0 : number > wanted ? 1 : -1)
  }
}
