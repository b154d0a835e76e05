import Foundation
import Testing

/// The words of the field, one for each idea, wherever people read: names, comments, texts of the
/// program, pages, and the schema. `docs/glossary.md` explains them.
@Suite struct PlainWordsTests {
  /// A word that must not come back, in lower case and with spaces between the words of a name.
  private struct Word: Sendable {
    let pattern: String
    /// What stands in its place.
    let instead: String

    init(_ pattern: String, instead: String) {
      self.pattern = pattern
      self.instead = instead
    }
  }

  private static let banned = [
    Word(#"questions?"#, instead: "query"),
    Word(#"ask(?:s|ed|ing)?"#, instead: "query, request, read"),
    Word(#"t(?:old|ells|elling)"#, instead: "reported, notifies, says"),
    Word(#"said"#, instead: "reported"),
    Word(#"settl(?:e|es|ed|ing)"#, instead: "fold"),
    Word(#"(?:bring|brings|bringing|brought) (?:\w+ )?(?:log )?in"#, instead: "fold, checkpoint"),
    Word(#"log of arrivals"#, instead: "arrival log"),
    Word(#"outlets?"#, instead: "channel"),
    Word(#"anonymous(?: sessions)?"#, instead: "session aggregates"),
    Word(#"hang mechanisms?"#, instead: "abnormal mechanism"),
    Word(#"fates?"#, instead: "outcome"),
    Word(#"account(?:s|store)?"#, instead: "outcome"),
    Word(#"what (?:came|became) of"#, instead: "outcome"),
    Word(#"for so (?:many|long)"#, instead: "the retention, in days"),
    Word(#"so many (?:days|updates|pages|bytes|of)"#, instead: "the number of"),
    // Tokens and SDKs have scopes.
    Word(#"(?:selected|adopted|group of) scopes?"#, instead: "series, series key"),
    Word(#"left out"#, instead: "rejected, not counted"),
    Word(#"in your own house"#, instead: "self-hosted"),
  ]

  /// What is public since 0.1.0, or stored, keeps its name.
  private static let kept = [
    // Columns of session_minute and session_day, and of arrival.
    #"identified, anonymous"#, #"length\(anonymous\)"#, #"session_day.anonymous"#,
    #"anonymous blob"#, #"anonymous = "#, #"excluded\.anonymous"#, #"anonymous_\w+"#,
    // The column of alert_rule with the time since which it queries the same value.
    #"modified, asked"#, #"asked = \?"#, #"asked integer"#,
    // A member of the answer about outcomes.
    #""user left out""#,
  ]

  private static let files =
    Repository.files(in: "Sources", extensions: ["swift", "js", "html", "css"])
    + Repository.files(in: "docs", extensions: ["md"]) + Repository.files(in: "Scripts")
    + Repository.files(in: "Bench", extensions: ["py"])
    + ["README.md", "CONTRIBUTING.md", "SECURITY.md", "schema.sql", "Dockerfile"]
    .compactMap(Repository.file)

  @Test(arguments: files)
  func wordsOfTheField(file: Repository.File) throws {
    let text = try Self.words(file.text)
    for word in Self.banned {
      // Nearly always there is none, and then nothing is split.
      let pattern = try NSRegularExpression(pattern: "\\b\(word.pattern)\\b")
      guard Self.occurs(pattern, in: text) else { continue }
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      for (index, line) in lines.enumerated() {
        let line = try Self.kept.reduce(String(line)) { line, kept in
          line.replacing(try Regex(kept), with: " ")
        }
        #expect(
          !Self.occurs(pattern, in: line), "\(file.path):\(index + 1): \(line): use \(word.instead)"
        )
      }
    }
  }

  /// The first sentence of a doc comment stands alone.
  @Test(arguments: Repository.sources)
  func docCommentsBeginWithSentences(file: Repository.File) {
    let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false)
    let fragment = #/^\s*/// (?:Of|Who|Whom|For so) /#
    for (index, line) in lines.enumerated() where line.contains("/// ") {
      let isFirst = index == 0 || !lines[index - 1].contains("///")
      #expect(!isFirst || !line.contains(fragment), "\(file.path):\(index + 1): \(line)")
    }
  }

  /// A text in lower case, with the words of its names apart.
  private static func words(_ text: String) throws -> String {
    try NSRegularExpression(pattern: "([a-z0-9])([A-Z])")
      .stringByReplacingMatches(in: text, range: range(of: text), withTemplate: "$1 $2")
      .lowercased()
  }

  private static func occurs(_ pattern: NSRegularExpression, in text: String) -> Bool {
    pattern.firstMatch(in: text, range: range(of: text)) != nil
  }

  private static func range(of text: String) -> NSRange {
    NSRange(text.startIndex..., in: text)
  }
}
