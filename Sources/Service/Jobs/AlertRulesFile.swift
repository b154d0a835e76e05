internal import Alerting
internal import Locks
package import Logging

/// A file whose changes are noticed.
package protocol ChangingFile: Sendable {
  /// The file's path, for messages.
  var path: String { get }

  /// Reads the file.
  ///
  /// - Returns: nil while it is as it was read last. That it is gone is thrown once.
  mutating func bytesIfChanged() throws -> [UInt8]?

  /// Has the file read again though it stays as it is.
  mutating func forget()
}

/// Keeps the declared alert rules those of the operators' file.
package final class AlertRulesFile: Sendable {
  private struct State: Sendable {
    var file: any ChangingFile
    /// The store failed when it was last given rules, which was logged.
    var isStoreFailing = false
  }

  private let declare: @Sendable ([UInt8]) throws -> Int
  private let log: Logger
  private let state: Locked<State>

  /// - Parameter declare: makes the declared rules those of the bytes, and returns how many there are.
  package init(
    _ file: any ChangingFile, log: Logger,
    declare: @escaping @Sendable ([UInt8]) throws -> Int
  ) {
    state = Locked(State(file: file))
    self.log = log
    self.declare = declare
  }

  /// Takes over the file at the start, where its errors end the program.
  package func readFirst() throws {
    try state.withLock { state in
      if let bytes = try state.file.bytesIfChanged() { _ = try declare(bytes) }
    }
  }

  /// Takes over the file where it has changed.
  ///
  /// What is wrong with it is logged once, and the rules stay as they are. Where it is the store that
  /// fails, the file is read again until its rules are stored.
  package func readIfChanged() {
    state.withLock { state in
      let path = state.file.path
      let wasStoreFailing = state.isStoreFailing
      do {
        guard let bytes = try state.file.bytesIfChanged() else { return }
        let count = try declare(bytes)
        state.isStoreFailing = false
        log.notice("alert rules loaded", metadata: ["file": "\(path)", "rules": "\(count)"])
      } catch {
        state.isStoreFailing = false
        if case AlertFile.Failure.store = error {
          state.isStoreFailing = true
          state.file.forget()
          if wasStoreFailing { return }
        }
        log.error(
          "alert rules not applied, keeping previous rules",
          metadata: ["file": "\(path)", "reason": "\(error)"])
      }
    }
  }
}
