package import ReleaseHealth

/// A piece of a search in Sentry's query language.
package enum SearchToken: Equatable {
  case term(SearchTerm)
  /// A word without a key.
  case freeText(String)
  case and
  case or
  case opening
  case closing
}

/// `key:value`, `!key:value` or `key:[value, value]`.
package struct SearchTerm: Equatable {
  package var isNegated: Bool
  package var key: String
  /// The values, one of which has to match; never empty.
  package var values: [SearchValue]
}

/// A value of a term.
package struct SearchValue: Equatable {
  /// The text, cut at each `*` that is a wildcard; `\*` is a plain asterisk.
  package var pieces: [String]
  package var isQuoted: Bool

  /// The plain text; nil for a pattern.
  package var literal: String? { pieces.count == 1 ? pieces[0] : nil }

  package var pattern: TextPattern { TextPattern(pieces: pieces) }

  /// The text as in the search, without quotation marks and escapes.
  package var text: String { pieces.joined(separator: "*") }
}

/// Cuts a search into tokens.
package struct SearchLexer {
  private var rest: Substring.UnicodeScalarView

  /// The tokens of a search, or an error that says what cannot be read.
  package static func tokens(of text: String) throws(APIError) -> [SearchToken] {
    var lexer = SearchLexer(rest: text[...].unicodeScalars)
    var tokens: [SearchToken] = []
    while let token = try lexer.next() { tokens.append(token) }
    return tokens
  }

  private mutating func next() throws(APIError) -> SearchToken? {
    rest = rest.drop(while: \.properties.isWhitespace)
    guard let first = rest.first else { return nil }
    if first == "(" || first == ")" {
      rest.removeFirst()
      return first == "(" ? .opening : .closing
    }
    if let term = try term() { return .term(term) }
    let word =
      first == "\"" ? try quoted().text : String(String.UnicodeScalarView(takeWord()))
    // Sentry reads the operators in any case.
    switch word.lowercased() {
    case "and" where first != "\"": return .and
    case "or" where first != "\"": return .or
    default: return .freeText(word)
    }
  }

  /// A term, if one stands here: otherwise nothing is taken.
  private mutating func term() throws(APIError) -> SearchTerm? {
    var ahead = rest
    let isNegated = ahead.first == "!"
    if isNegated { ahead.removeFirst() }
    let key = ahead.prefix(while: Self.isKeyCharacter)
    ahead = ahead.dropFirst(key.count)
    guard !key.isEmpty, ahead.first == ":" else { return nil }
    rest = ahead.dropFirst()
    let name = String(String.UnicodeScalarView(key))
    let values = rest.first == "[" ? try list(key: name) : [try value(key: name)]
    return SearchTerm(isNegated: isNegated, key: name, values: values)
  }

  private mutating func value(key: String) throws(APIError) -> SearchValue {
    if rest.first == "\"" {
      let value = try quoted()
      if let next = rest.first, !next.properties.isWhitespace, next != "(", next != ")" {
        throw .badRequest("A space is missing after the quoted value of \"\(key)\".")
      }
      return value
    }
    let value = Self.value(takeWord())
    if rest.first == "(" {
      throw .badRequest(
        "A value with parentheses must be quoted: \"\(key):\(value.text)(\".")
    }
    if value.pieces == [""] {
      throw .badRequest(
        "A value is missing after \"\(key):\". The empty value is written \(key):\"\".")
    }
    return value
  }

  /// `[a, "b c", d]`.
  private mutating func list(key: String) throws(APIError) -> [SearchValue] {
    rest.removeFirst()
    var values: [SearchValue] = []
    while true {
      rest = rest.drop(while: \.properties.isWhitespace)
      if rest.first == "\"" {
        values.append(try quoted())
      } else {
        let word = rest.prefix { $0 != "," && $0 != "]" }
        rest = rest.dropFirst(word.count)
        let value = Self.value(Self.trimmed(word))
        if value.pieces == [""] {
          throw .badRequest(
            "The list of values of \"\(key)\" has an empty one. Lists are written "
              + "\(key):[a, \"b c\"].")
        }
        values.append(value)
      }
      rest = rest.drop(while: \.properties.isWhitespace)
      switch rest.popFirst() {
      case ",": continue
      case "]": return values
      default:
        throw .badRequest(
          "The list of values of \"\(key)\" is not closed. Lists are written "
            + "\(key):[a, \"b c\"].")
      }
    }
  }

  private mutating func quoted() throws(APIError) -> SearchValue {
    rest.removeFirst()
    var content = String.UnicodeScalarView()
    while let scalar = rest.popFirst() {
      if scalar == "\"" { return Self.value(content[...], isQuoted: true) }
      content.append(scalar)
      if scalar == "\\", let escaped = rest.popFirst() { content.append(escaped) }
    }
    throw .badRequest("The query has a quotation mark that is not closed.")
  }

  /// Everything up to white space or a parenthesis.
  private mutating func takeWord() -> Substring.UnicodeScalarView {
    let word = rest.prefix { !$0.properties.isWhitespace && $0 != "(" && $0 != ")" }
    rest = rest.dropFirst(word.count)
    return word
  }

  /// Resolves the escapes `\"`, `\*` and `\\`; any other backslash is itself.
  private static func value(
    _ text: Substring.UnicodeScalarView, isQuoted: Bool = false
  ) -> SearchValue {
    var pieces = [String.UnicodeScalarView()]
    var text = text
    while let scalar = text.popFirst() {
      if scalar == "\\", let next = text.first, next == "\"" || next == "*" || next == "\\" {
        pieces[pieces.count - 1].append(next)
        text.removeFirst()
      } else if scalar == "*" {
        pieces.append(String.UnicodeScalarView())
      } else {
        pieces[pieces.count - 1].append(scalar)
      }
    }
    return SearchValue(pieces: pieces.map(String.init), isQuoted: isQuoted)
  }

  private static func trimmed(
    _ text: Substring.UnicodeScalarView
  ) -> Substring.UnicodeScalarView {
    var text = text
    while text.last?.properties.isWhitespace == true { text.removeLast() }
    return text
  }

  private static func isKeyCharacter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "_", ".", "-": true
    default: false
    }
  }
}
