/// Work that a store does on its own account, beside batches and questions.
package enum StoreWork: Sendable {
  /// Updates that were stored before are folded into their sessions, one slice in one transaction; no
  /// batch is stored meanwhile.
  case fold
  /// What commits wrote is brought to its place in the file.
  case checkpoint
}

/// Who is told of a store's own work.
package struct StoreWatch: Sendable {
  package let monotonicNanoseconds: @Sendable () -> Int64
  private let note: @Sendable (StoreWork, _ seconds: Double) -> Void

  /// - Parameters:
  ///   - monotonicNanoseconds: a clock that is never set back.
  ///   - note: is called on the thread that did the work, after it.
  package init(
    monotonicNanoseconds: @escaping @Sendable () -> Int64 = { 0 },
    note: @escaping @Sendable (StoreWork, _ seconds: Double) -> Void = { _, _ in }
  ) {
    self.monotonicNanoseconds = monotonicNanoseconds
    self.note = note
  }

  /// Does the work, and tells how long it took, also when it failed.
  package func timing<Value, Failure: Error>(
    _ work: StoreWork, _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let start = monotonicNanoseconds()
    defer { note(work, Double(monotonicNanoseconds() - start) / 1e9) }
    return try body()
  }
}
