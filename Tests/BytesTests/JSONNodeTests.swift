import Bytes
import Foundation
import Testing

@Suite struct JSONNodeTests {
  /// Invalid documents with the line and reason of their errors.
  static let failures: [(String, Int, String)] = [
    ("{\"a\": 1,\n\"b\": {\"a\": 2},\n\"a\": 3}", 3, "\"a\" is repeated"),
    ("", 1, "unexpected end of the JSON"),
    ("{\n\"a\": [1,\n2", 3, "unexpected end of the JSON"),
    ("{}\n\n{}", 3, "unexpected text after the end of the JSON"),
    ("{\n1: 2}", 2, "the name of a member is missing"),
    ("{\"a\":1,\n}", 2, "the name of a member is missing"),
    ("{\"a\"\n\"b\"}", 2, "':' is missing after a name"),
    ("[1\n2]", 2, "',' or a closing bracket is missing"),
    ("[1,\n]", 2, "a value is missing or is not JSON"),
    ("[\nTrue]", 2, "a value is missing or is not JSON"),
    ("[01]", 1, "a value is missing or is not JSON"),
    ("[\n\"a\nb\"]", 2, "a string does not end on its line"),
    ("\"\\x\"", 1, "unknown escape sequence"),
    ("\"\\ud800\"", 1, "a surrogate pair is incomplete"),
    ("\"\\u0000\"", 1, "a string contains NUL"),
    ("[\n1e999]", 2, "a number is too large"),
    (String(repeating: "[", count: 18), 1, "it is nested too deep"),
  ]

  @Test(arguments: failures)
  func errorsHaveALineAndAReason(_ text: String, _ line: Int, _ reason: String) {
    do throws(JSONNode.Failure) {
      _ = try JSONNode(Array(text.utf8))
      Issue.record("it was read")
    } catch {
      #expect(error.line == line && error.reason == reason, "\(text)")
    }
  }

  @Test func everyValueHasItsLine() throws {
    let node = try JSONNode(
      Array("{\"a\":\n[true, null,\n-1.5e1, \"\\u00e9\\n\"],\n\n\"b\": {}}".utf8))
    guard case .array(let elements)? = node["a"]?.value, elements.count == 4 else {
      Issue.record("it is no array of four")
      return
    }
    #expect(elements.map(\.line) == [2, 2, 3, 3] && node["b"]?.line == 5 && node.line == 1)
    guard case .boolean(true) = elements[0].value, case .null = elements[1].value,
      case .number(-15) = elements[2].value, case .string("é\n") = elements[3].value
    else {
      Issue.record("a value is another")
      return
    }
  }

  /// What the writer writes, the reader reads back as the same; and Foundation reads it, too.
  @Test func readsWhatTheWriterWrites() throws {
    var random = SplitMix64(seed: 5)
    for _ in 0..<300 {
      var writer = JSONWriter()
      let value = Self.write(&writer, &random, depth: 0)
      #expect(Self.description(try JSONNode(writer.bytes)) == value)
      #expect(throws: Never.self) {
        try JSONSerialization.jsonObject(with: Data(writer.bytes), options: .fragmentsAllowed)
      }
    }
  }

  /// Writes any value, and describes it.
  private static func write(
    _ json: inout JSONWriter, _ random: inout SplitMix64, depth: Int
  ) -> String {
    switch random.next() % (depth < 5 ? 7 : 5) {
    case 0:
      json.null()
      return "null"
    case 1:
      let truth = random.next() % 2 == 0
      json.value(truth)
      return "\(truth)"
    case 2:
      let number = Int64.random(in: -(1 << 53)...(1 << 53), using: &random)
      json.value(number)
      return "\(Double(number))"
    case 3:
      let number = Double(bitPattern: random.next())
      json.value(number)
      return number.isFinite ? "\(number)" : "null"
    case 4:
      let text = Self.text(&random)
      json.value(text)
      return text.debugDescription
    case 5:
      var parts: [String] = []
      json.array { json in
        for _ in 0..<random.next() % 4 { parts.append(write(&json, &random, depth: depth + 1)) }
      }
      return "[\(parts.joined(separator: ","))]"
    default:
      var parts: [String] = []
      json.object { json in
        for index in 0..<random.next() % 4 {
          let name = "\(index)" + Self.text(&random)
          json.key(name)
          parts.append("\(name.debugDescription):\(write(&json, &random, depth: depth + 1))")
        }
      }
      return "{\(parts.joined(separator: ","))}"
    }
  }

  /// What a document costs has a bound, whatever its shape is.
  @Test func membersAndValuesAreLimited() throws {
    func failure(_ text: String) -> String? {
      do throws(JSONNode.Failure) {
        _ = try JSONNode(Array(text.utf8))
        return nil
      } catch {
        return error.reason
      }
    }
    func members(_ count: Int) -> String {
      "{" + (0..<count).map { "\"\($0)\":0" }.joined(separator: ",") + "}"
    }
    #expect(failure(members(1000)) == nil)
    #expect(failure(members(1001)) == "an object has more than 1000 members")
    func elements(_ count: Int) -> String {
      "[" + String(repeating: "0,", count: count - 1) + "0]"
    }
    #expect(failure(elements(99_999)) == nil)
    #expect(failure(elements(100_000)) == "it has more than 100000 values")
  }

  /// To compare texts with very many marks takes minutes, as they are and as escapes.
  @Test func combiningMarksAreLimited() throws {
    for mark in ["\u{315}", #"\u0315"#, #"\ud834\udd65"#] {
      func text(_ count: Int) -> [UInt8] {
        Array(#"["e\\\#(String(repeating: mark, count: count))"]"#.utf8)
      }
      #expect(throws: Never.self) { try JSONNode(text(30)) }
      #expect(throws: JSONNode.Failure.self) { try JSONNode(text(31)) }
      #expect(JSONReader.hasTooManyMarks(text(31)) && !JSONReader.hasTooManyMarks(text(30)))
    }
    // An escaped backslash escapes nothing; neither emoji nor Chinese are marks.
    for other in [#"\\u0315"#, "😀", "汉", #"\ud83d\ude00"#] {
      #expect(!JSONReader.hasTooManyMarks(Array(String(repeating: other, count: 100).utf8)))
    }
  }

  @Test func namesOfMembersAreReadWithoutTheirValues() {
    func names(_ text: String, max: Int = 3) -> [String] {
      JSONReader.memberNames(Array(text.utf8), max: max)
    }
    #expect(names(#"{"a": [1, {"b": 2}], "\u0063": null}"#) == ["a", "c"])
    #expect(names(#"{"a": 1, "b": 2, "c": 3, "d": 4}"#) == ["a", "b", "c"])
    #expect(names("[]").isEmpty && names("").isEmpty && names(#"{"a": 1"#).isEmpty)
  }

  private static func text(_ random: inout SplitMix64) -> String {
    let characters = Array("a\"\\/\n\r\t\u{1}\u{1f}\u{7f}é€😀 {}[]:,")
    return String((0..<random.next() % 12).map { _ in characters.randomElement(using: &random)! })
  }

  private static func description(_ node: JSONNode) -> String {
    switch node.value {
    case .null: "null"
    case .boolean(let truth): "\(truth)"
    case .number(let number): "\(number)"
    case .string(let text): text.debugDescription
    case .array(let elements): "[\(elements.map(description).joined(separator: ","))]"
    case .object(let members):
      "{\(members.map { "\($0.name.debugDescription):\(description($0.value))" }.joined(separator: ","))}"
    }
  }
}
