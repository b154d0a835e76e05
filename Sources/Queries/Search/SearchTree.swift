internal import API
internal import Storage

/// A parsed search: its leaves, and how `AND`, `OR` and parentheses join them.
indirect enum SearchTree: Equatable {
  case leaf(SearchLeaf)
  /// An empty list matches everything.
  case all([SearchTree])
  case any([SearchTree])

  /// Parses a search. As in Sentry, terms side by side are joined by `AND`, and `AND` binds more
  /// closely than `OR`.
  init(_ text: String) throws(APIError) {
    var parser = SearchParser(tokens: try SearchLexer.tokens(of: text)[...])
    self = try parser.search()
  }

  /// The filter of the search.
  ///
  /// - Parameter condition: the filter of a leaf; the second argument says whether the leaf is
  ///   below an `OR`.
  func filter(
    isAlternative: Bool = false,
    _ condition: (SearchLeaf, _ isAlternative: Bool) throws(APIError) -> SeriesFilter
  ) throws(APIError) -> SeriesFilter {
    func filters(_ parts: [SearchTree], _ isAlternative: Bool) throws(APIError) -> [SeriesFilter] {
      var filters: [SeriesFilter] = []
      for part in parts {
        filters.append(try part.filter(isAlternative: isAlternative, condition))
      }
      return filters
    }
    return switch self {
    case .leaf(let leaf): try condition(leaf, isAlternative)
    case .all(let parts): .all(try filters(parts, isAlternative))
    case .any(let parts): .any(try filters(parts, true))
    }
  }
}

/// A leaf of a parsed search.
enum SearchLeaf: Equatable {
  case term(SearchTerm)
  /// A word without a key.
  case freeText(String)
}

/// Joins the tokens of a search.
private struct SearchParser {
  var tokens: ArraySlice<SearchToken>
  var depth = 0

  /// The limit of nested parentheses: the parser and the search recurse for each.
  private static let depthMax = 20

  mutating func search() throws(APIError) -> SearchTree {
    if tokens.isEmpty { return .all([]) }
    let tree = try alternatives()
    // Alternatives end at the end, or at a parenthesis that was not opened.
    guard tokens.isEmpty else {
      throw .badRequest("The query has a parenthesis that closes nothing.")
    }
    return tree
  }

  private mutating func alternatives() throws(APIError) -> SearchTree {
    var parts = [try conjunction(after: nil)]
    while tokens.first == .or {
      tokens.removeFirst()
      parts.append(try conjunction(after: "OR"))
    }
    return parts.count == 1 ? parts[0] : .any(parts)
  }

  /// - Parameter name: the operator in front; nil at a beginning.
  private mutating func conjunction(after name: String?) throws(APIError) -> SearchTree {
    var parts = [try part(after: name)]
    while let next = tokens.first, next != .or, next != .closing {
      if next == .and {
        tokens.removeFirst()
        parts.append(try part(after: "AND"))
      } else {
        parts.append(try part(after: nil))
      }
    }
    return parts.count == 1 ? parts[0] : .all(parts)
  }

  private mutating func part(after name: String?) throws(APIError) -> SearchTree {
    switch tokens.popFirst() {
    case .term(let term): return .leaf(.term(term))
    case .freeText(let text): return .leaf(.freeText(text))
    case .opening:
      guard depth < Self.depthMax else {
        throw .badRequest("The query has more than \(Self.depthMax) parentheses in each other.")
      }
      depth += 1
      let tree = try alternatives()
      guard tokens.popFirst() == .closing else {
        throw .badRequest("The query has a parenthesis that is not closed.")
      }
      depth -= 1
      return tree
    case .and: throw Self.misplaced("AND")
    case .or: throw Self.misplaced("OR")
    case .closing where name == nil:
      throw .badRequest(
        depth > 0
          ? "The query has parentheses with nothing in them."
          : "The query has a parenthesis that closes nothing.")
    case .closing, nil:
      guard let name else {
        throw .badRequest("The query has a parenthesis that is not closed.")
      }
      throw Self.misplaced(name)
    }
  }

  private static func misplaced(_ name: String) -> APIError {
    .badRequest("\(name) has to stand between two terms of the query.")
  }
}
