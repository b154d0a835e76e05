import Foundation
import Testing

/// What can be read in one go: short files, functions, lines and lists, and folders that can be
/// looked over.
@Suite struct ShapeTests {
  private static let fileLinesMax = 400
  private static let functionLinesMax = 70
  private static let columnsMax = 100
  private static let parametersMax = 5
  private static let folderFilesMax = 15

  /// What is larger, with its size and the reason. This list may only shrink: what has become
  /// smaller than it says, or has gone, is a finding.
  private static let exceptions: [(path: String, lines: Int, reason: String)] = [
    (
      "Tests/QueriesTests/RandomQueryTests.swift", 548,
      "one generator of queries with the model that answers them"
    ),
    (
      "Tests/ServiceTests/Sessions/RulesTests.swift", 550,
      "the table of all rules of the sessions API"
    ),
    ("Tests/SimulationTests/SimulatedWorld.swift", 484, "one world with all that can happen in it"),
    ("Tests/EnvelopesTests/EnvelopeReaderTests.swift", 447, "the table of framings"),
  ]

  /// Signatures with more parameters than ``parametersMax``, with their number and the reason.
  private static let wideSignatures: [(place: String, parameters: Int, reason: String)] = [
    ("Sources/hale/Settings/NoticeSettings.swift init", 7, "wires a sender of this process"),
    ("Sources/SQLiteStorage/Alerts/AlertTables.swift save", 6, "one row with its surroundings"),
    ("Sources/Alerting/Rules/AlertFile.swift run", 7, "what a command of the same options gives"),
    ("Sources/SQLiteStorage/Catalog/SQLiteCatalog.swift createProject", 6, "the columns of a row"),
  ]

  /// Functions with more lines than ``functionLinesMax``, with their number and the reason.
  private static let longFunctions: [(place: String, lines: Int, reason: String)] = [
    (
      "Tests/StoreContractTests/SessionHistoryTests.swift anyHistoryIsExplained", 113,
      "one property, with the history that it is about"
    ),
    ("Tests/TestSupport/ReferenceStore.swift health", 76, "the model of an answer, in one piece"),
  ]

  /// Folders in which every file is of one kind and found by its name.
  private static let wideFolders = [
    // A file for each capability that the built program is driven by.
    "Tests/OutsideTests",
    // Requests of SDKs, as they were recorded: data.
    "Tests/Captures",
  ]

  private static let swift = Repository.sources + Repository.tests

  @Test func filesAreShort() {
    let pages = Repository.files(in: "Sources", extensions: ["js", "css", "html"])
    for file in Self.swift + pages {
      let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false).count - 1
      let exception = Self.exceptions.first { $0.path == file.path }
      if let exception {
        #expect(lines > Self.fileLinesMax, "\(file.path) is no exception any more")
        #expect(lines <= exception.lines, "\(file.path) has \(lines) lines and grows")
      } else {
        #expect(lines <= Self.fileLinesMax, "\(file.path) has \(lines) lines")
      }
    }
    for exception in Self.exceptions {
      #expect(Self.swift.contains { $0.path == exception.path }, "\(exception.path) is gone")
    }
  }

  @Test(arguments: swift)
  func linesAreShort(file: Repository.File) {
    let texts = file.text.split(separator: "\n", omittingEmptySubsequences: false)
    let codes = file.swift.code.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, (text, code)) in zip(texts, codes).enumerated() {
      // A text for people may be longer: cut in two, it could not be searched for. So may a
      // pattern.
      let start = text.drop { $0 == " " }
      if start.hasPrefix("/"), !start.hasPrefix("//") { continue }
      let columns = start.hasPrefix("//") ? text.count : code.count
      #expect(columns <= Self.columnsMax, "\(file.path):\(index + 1) has \(columns) columns")
    }
  }

  @Test(arguments: swift)
  func functionsAreShortAndTakeFewParameters(file: Repository.File) {
    for function in SwiftShape(file.swift.code).functions {
      let place = "\(file.path):\(function.line) \(function.name)"
      let isLong = Self.longFunctions.contains {
        $0.place == "\(file.path) \(function.name)" && function.lines <= $0.lines
      }
      #expect(
        function.lines <= Self.functionLinesMax || isLong,
        "\(place) has \(function.lines) lines")
      let isWide = Self.wideSignatures.contains {
        $0.place == "\(file.path) \(function.name)" && function.parameters <= $0.parameters
      }
      #expect(
        function.parameters <= Self.parametersMax || function.isMemberwise || isWide
          || file.path.hasPrefix("Tests/"),
        "\(place) takes \(function.parameters) parameters: a value type says what they are")
    }
  }

  @Test func foldersCanBeLookedOver() {
    let files =
      Repository.files(in: "Sources") + Repository.files(in: "Tests")
      + Repository.files(in: "Scripts") + Repository.files(in: "docs")
      + Repository.files(in: "Bench")
    let folders = Dictionary(grouping: files) { file in
      file.path.split(separator: "/").dropLast().joined(separator: "/")
    }
    for (folder, files) in folders where !Self.wideFolders.contains(folder) {
      #expect(files.count <= Self.folderFilesMax, "\(folder) has \(files.count) files")
    }
  }

  /// The shapes are found at all.
  @Test func shapeOfAnExample() throws {
    let code = """
      struct A {
        package init(a: Int, b: [Int: Int], c: (Int, Int)) {
          self.a = a
          b = c
        }
        func run(
          _ body: (Int, Int) throws(E) -> Void
        ) throws(E) -> Dictionary<Int, Int> {
          init(a, b)
        }
        func none()
      }
      """
    let functions = SwiftShape(code).functions
    #expect(functions.map(\.name) == ["init", "run"])
    #expect(functions.map(\.parameters) == [3, 1])
    #expect(functions.map(\.lines) == [4, 5])
    #expect(functions.map(\.isMemberwise) == [true, false])
  }
}
