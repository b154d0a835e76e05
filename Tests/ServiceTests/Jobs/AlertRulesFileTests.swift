import Alerting
import Locks
import Logging
import Service
import Storage
import Testing

/// The operators' file of alert rules, as the scheduler reads it.
@Suite struct AlertRulesFileTests {
  private struct Gone: Error, CustomStringConvertible {
    var description: String { "it is gone" }
  }

  /// What the file has; nil where it is gone.
  private final class Content: Sendable {
    private let bytes = Locked<[UInt8]?>([])

    var current: [UInt8]? {
      get { bytes.withLock { $0 } }
      set { bytes.withLock { $0 = newValue } }
    }
  }

  private struct FakeFile: ChangingFile {
    let content: Content
    let path = "rules.json"
    private var seen: [UInt8]??

    init(_ content: Content) {
      self.content = content
    }

    mutating func bytesIfChanged() throws -> [UInt8]? {
      let now = content.current
      if let seen, seen == now { return nil }
      seen = .some(now)
      guard let now else { throw Gone() }
      return now
    }

    mutating func forget() {
      seen = nil
    }
  }

  /// Keeps what is logged: its level, and why.
  private struct Journal: LogHandler {
    final class Lines: Sendable {
      private let lines = Locked<[String]>([])

      var all: [String] { lines.withLock { $0 } }

      func add(_ line: String) {
        lines.withLock { $0.append(line) }
      }
    }

    let lines: Lines
    var metadata = Logger.Metadata()
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let reason = event.metadata?["reason"] ?? event.metadata?["rules"] ?? ""
      lines.add("\(event.level) \(reason)")
    }
  }

  private let content = Content()
  private let lines = Journal.Lines()
  private let failure = Failures()
  private let declared = Content()

  /// What the next bytes fail with.
  private final class Failures: Sendable {
    private let failure = Locked<AlertFile.Failure?>(nil)

    var current: AlertFile.Failure? {
      get { failure.withLock { $0 } }
      set { failure.withLock { $0 = newValue } }
    }
  }

  private func file() -> AlertRulesFile {
    let log = Logger(label: "test") { [lines] _ in Journal(lines: lines) }
    return AlertRulesFile(FakeFile(content), log: log) {
      [failure, declared] bytes throws(AlertFile.Failure) in
      if let failure = failure.current { throw failure }
      declared.current = bytes
      return bytes.count
    }
  }

  @Test func itIsReadWhenItHasChanged() throws {
    let file = file()
    content.current = [1]
    try file.readFirst()
    #expect(declared.current == [1] && lines.all.isEmpty)
    file.readIfChanged()
    #expect(lines.all.isEmpty)
    content.current = [1, 2]
    file.readIfChanged()
    file.readIfChanged()
    #expect(declared.current == [1, 2] && lines.all == ["notice 2"])
  }

  /// Its rules stay, and the log has one line, until the file is another.
  @Test func whatIsWrongWithItIsLoggedOnce() throws {
    let file = file()
    content.current = [1]
    try file.readFirst()
    failure.current = .file("line 1: it is wrong")
    content.current = [1, 2]
    for _ in 0..<3 { file.readIfChanged() }
    #expect(lines.all == ["error line 1: it is wrong"] && declared.current == [1])
    failure.current = nil
    content.current = nil
    for _ in 0..<3 { file.readIfChanged() }
    #expect(lines.all.dropFirst() == ["error it is gone"] && declared.current == [1])
    content.current = [1, 2, 3]
    file.readIfChanged()
    #expect(lines.all.last == "notice 3" && declared.current == [1, 2, 3])
  }

  /// The file is read again until its rules are stored; the log has one line about it.
  @Test func aStoreThatFailsIsGivenTheRulesAgain() throws {
    let file = file()
    content.current = [1]
    try file.readFirst()
    let error = StoreError.full(operation: "write", reason: "no room")
    failure.current = .store(error)
    content.current = [1, 2]
    for _ in 0..<3 { file.readIfChanged() }
    #expect(lines.all == ["error \(error.sentence)"] && declared.current == [1])
    failure.current = nil
    for _ in 0..<2 { file.readIfChanged() }
    #expect(lines.all.dropFirst() == ["notice 2"] && declared.current == [1, 2])
  }

  @Test func atTheStartItsErrorsAreThrown() {
    failure.current = .file("it is wrong")
    #expect(throws: AlertFile.Failure.self) { try file().readFirst() }
    failure.current = nil
    content.current = nil
    #expect(throws: Gone.self) { try file().readFirst() }
    #expect(lines.all.isEmpty)
  }
}
