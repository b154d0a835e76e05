/// Tells code, comments and string literals of Swift apart, well enough for the rules here: it
/// knows line and block comments, one-line and multi-line literals, and escapes. Raw strings and
/// literals inside an interpolation are read as if they were plain.
///
/// All three texts have the lines of the original, so that a finding has its number.
struct SwiftText: Sendable {
  /// Without comments and without the insides of string literals.
  let code: String
  /// Without comments.
  let codeWithStrings: String
  /// The comments alone.
  let comments: String

  init(_ text: String) {
    var scanner = Scanner(Array(text.utf8))
    scanner.scan()
    code = String(decoding: scanner.code, as: UTF8.self)
    codeWithStrings = String(decoding: scanner.codeWithStrings, as: UTF8.self)
    comments = String(decoding: scanner.comments, as: UTF8.self)
  }

  private struct Scanner {
    enum State {
      case code, lineComment, blockComment, string, multilineString
    }

    let bytes: [UInt8]
    var index = 0
    var state = State.code
    var code: [UInt8] = []
    var codeWithStrings: [UInt8] = []
    var comments: [UInt8] = []

    init(_ bytes: [UInt8]) {
      self.bytes = bytes
    }

    mutating func scan() {
      while index < bytes.count {
        if bytes[index] == UInt8(ascii: "\n") { endLine() } else { takeOne() }
      }
    }

    private mutating func endLine() {
      if state == .lineComment || state == .string { state = .code }
      code.append(bytes[index])
      codeWithStrings.append(bytes[index])
      comments.append(bytes[index])
      index += 1
    }

    private mutating func takeOne() {
      switch state {
      case .code: takeCode()
      case .lineComment, .blockComment: takeComment()
      case .string, .multilineString: takeString()
      }
    }

    private mutating func takeCode() {
      if isNext("//") { return enter(.lineComment, 2) }
      if isNext("/*") { return enter(.blockComment, 2) }
      if isNext("\"\"\"") { return quote(.multilineString, 3) }
      if isNext("\"") { return quote(.string, 1) }
      code.append(bytes[index])
      codeWithStrings.append(bytes[index])
      index += 1
    }

    private mutating func takeComment() {
      if state == .blockComment, isNext("*/") { return enter(.code, 2) }
      comments.append(bytes[index])
      index += 1
    }

    private mutating func takeString() {
      if isNext("\\"), index + 1 < bytes.count, bytes[index + 1] != UInt8(ascii: "\n") {
        codeWithStrings.append(contentsOf: bytes[index...index + 1])
        index += 2
        return
      }
      if state == .multilineString, isNext("\"\"\"") { return quote(.code, 3) }
      if state == .string, isNext("\"") { return quote(.code, 1) }
      codeWithStrings.append(bytes[index])
      index += 1
    }

    private mutating func enter(_ next: State, _ length: Int) {
      state = next
      index += length
    }

    private mutating func quote(_ next: State, _ length: Int) {
      code.append(UInt8(ascii: "\""))
      codeWithStrings.append(UInt8(ascii: "\""))
      enter(next, length)
    }

    private func isNext(_ token: String) -> Bool {
      bytes[index...].starts(with: token.utf8)
    }
  }
}
