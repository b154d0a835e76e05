internal import Alerting
internal import Locks
package import Logging

/// A file that is read again when it changes.
package protocol ChangingFile: Sendable {
  /// The file's path, for messages.
  var path: String { get }

  /// Reads the file.
  ///
  /// - Returns: nil while the file is unchanged. A missing file throws once.
  mutating func bytesIfChanged() throws -> [UInt8]?

  /// Makes the next call read the file again, even if it is unchanged.
  mutating func forget()
}

/// Applies the operators' file of alert rules whenever it changes.
package final class AlertRulesFile: Sendable {
  private struct State: Sendable {
    var file: any ChangingFile
    /// Whether the store failed to take the rules last time, which was logged.
    var isStoreFailing = false
  }

  private let declare: @Sendable ([UInt8]) throws -> Int
  private let log: Logger
  private let state: Locked<State>

  /// - Parameter declare: replaces the declared rules with those of the bytes, and returns their
  ///   number.
  package init(
    _ file: any ChangingFile, log: Logger,
    declare: @escaping @Sendable ([UInt8]) throws -> Int
  ) {
    state = Locked(State(file: file))
    self.log = log
    self.declare = declare
  }

  /// Applies the file at the start, where its errors end the program.
  package func readFirst() throws {
    try state.withLock { state in
      if let bytes = try state.file.bytesIfChanged() { _ = try declare(bytes) }
    }
  }

  /// Applies the file if it has changed.
  ///
  /// An error is logged once, and the previous rules stay. If the store fails, the file is read
  /// again until its rules are stored.
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
