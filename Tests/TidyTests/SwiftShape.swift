/// The functions of a Swift file, found by its braces and parentheses: well enough for the rules
/// here, on code as swift-format leaves it.
struct SwiftShape {
  /// A function, initializer or subscript with a body.
  struct Function {
    var name: String
    /// From 1 on.
    var line: Int
    /// From the line of its name to the one of its closing brace.
    var lines: Int
    var parameters: Int
    /// An initializer that does nothing but store what it is given: the type is the value type.
    var isMemberwise: Bool
  }

  let functions: [Function]

  /// - Parameter code: without comments and without the insides of string literals.
  init(_ code: String) {
    let bytes = Array(code.utf8)
    var functions: [Function] = []
    var line = 1
    var lineStart = 0
    for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") || index == bytes.count - 1
    {
      let text = String(decoding: bytes[lineStart..<index], as: UTF8.self)
      if let name = Self.declaredName(in: text),
        let function = Self.function(name, bytes, from: lineStart, line: line)
      {
        functions.append(function)
      }
      line += 1
      lineStart = index + 1
    }
    self.functions = functions
  }

  private static func declaredName(in line: String) -> String? {
    // Most lines have none of these words, and a regular expression costs a thousand times as much.
    guard ["func ", "init", "subscript"].contains(where: line.contains) else { return nil }
    let declaration =
      /^\s*(?:@\w+(?:\([^)]*\))? +|(?:package|private|fileprivate|internal|static|mutating|override|final|convenience|consuming|borrowing|nonisolated|prefix|postfix|infix)(?:\(\w+\))? +)*(?:func +([^\s(<]+|[<>=!&|*\/%^~+-]+)|(init|deinit|subscript)\b[?!]?)/
    guard let match = line.firstMatch(of: declaration) else { return nil }
    // A call of an initializer, as `init(…)` in a body or `.init`, begins no declaration with a
    // brace.
    return (match.1 ?? match.2).map(String.init)
  }

  private static func function(
    _ name: String, _ bytes: [UInt8], from start: Int, line: Int
  ) -> Function? {
    guard let opening = bytes[start...].firstIndex(of: UInt8(ascii: "(")),
      let (parameters, closing) = parameters(bytes, from: opening),
      let body = bodyStart(bytes, from: closing + 1),
      let end = matching(bytes, from: body)
    else { return nil }
    let lines = bytes[start...end].count { $0 == UInt8(ascii: "\n") } + 1
    let text = String(decoding: bytes[(body + 1)..<end], as: UTF8.self)
    return Function(
      name: name, line: line, lines: lines, parameters: parameters,
      isMemberwise: name == "init" && storesOnly(text))
  }

  /// How many parameters stand between a parenthesis and the one that closes it.
  private static func parameters(
    _ bytes: [UInt8], from opening: Int
  ) -> (count: Int, closing: Int)? {
    var depth = 0
    var angles = 0
    var commas = 0
    var isEmpty = true
    for index in opening..<bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"):
        depth -= 1
        if depth == 0 { return (isEmpty ? 0 : commas + 1, index) }
      case UInt8(ascii: "<"): angles += 1
      case UInt8(ascii: ">") where bytes[index - 1] != UInt8(ascii: "-"): angles -= 1
      case UInt8(ascii: ",") where depth == 1 && angles == 0: commas += 1
      case UInt8(ascii: " "), UInt8(ascii: "\n"): break
      default: isEmpty = false
      }
    }
    return nil
  }

  /// Where the body opens; nil for a requirement of a protocol, which has none.
  private static func bodyStart(_ bytes: [UInt8], from start: Int) -> Int? {
    var depth = 0
    for index in start..<bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "("): depth += 1
      case UInt8(ascii: ")"): depth -= 1
      case UInt8(ascii: "{") where depth == 0: return index
      case UInt8(ascii: "}"): return nil
      case UInt8(ascii: "\n") where depth == 0:
        let rest = bytes[(index + 1)...].prefix { $0 != UInt8(ascii: "\n") }
        let text = String(decoding: rest, as: UTF8.self).drop { $0 == " " }
        // A signature goes on by these alone.
        if !["-> ", ") ", "{", "throws", "where ", "async"].contains(where: text.hasPrefix) {
          return nil
        }
      default: break
      }
    }
    return nil
  }

  private static func matching(_ bytes: [UInt8], from opening: Int) -> Int? {
    var depth = 0
    for index in opening..<bytes.count {
      if bytes[index] == UInt8(ascii: "{") { depth += 1 }
      if bytes[index] == UInt8(ascii: "}") {
        depth -= 1
        if depth == 0 { return index }
      }
    }
    return nil
  }

  private static func storesOnly(_ body: String) -> Bool {
    body.split(separator: "\n").allSatisfy {
      $0.allSatisfy(\.isWhitespace) || $0.wholeMatch(of: /\s*(?:self\.)?\w+ = [\w.?]+\s*/) != nil
    }
  }
}
