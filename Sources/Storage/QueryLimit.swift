/// Why a query ends before its answer.
package enum QueryStop: String, CaseIterable, Sendable {
  /// It makes room for others, and begins again.
  case restarted
  case timedOut = "timeout"
  case cancelled
  /// It needs more memory than a query may have.
  case outOfMemory = "memory"
  /// Too many queries wait.
  case refused
  /// The service stops.
  case closed = "shutdown"
}

/// What a running query may use: a time, and memory. It is looked at where the work is done.
package protocol QueryLimit: AnyObject, Sendable {
  /// Throws ``StoreError/stopped(_:)`` if the query has to end now. Takes some 50 ns.
  func check() throws(StoreError)

  /// Does the same for a query that waits for others and does no work.
  func checkWaiting() throws(StoreError)

  /// Notes memory that the query keeps until its end.
  ///
  /// - Throws: ``StoreError/stopped(_:)`` if that is more than it may have.
  func hold(_ bytes: Int) throws(StoreError)

  /// Makes the query begin again, because what it reads is in the way of others. Any thread may
  /// call it.
  func restart()
}

/// The query that the calling thread works on.
///
/// It is bound to the thread, because what has to look at it lies deep: in the rows of a database,
/// and in loops of all modules. Work that is no query, such as jobs and changes, has none and no
/// limit.
package enum CurrentQuery {
  @TaskLocal package static var limit: (any QueryLimit)?

  /// Calls `body` as work for a query.
  package static func bound<Value>(
    to limit: (any QueryLimit)?, _ body: () throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let result = $limit.withValue(limit) { () -> Result<Value, StoreError> in
      do throws(StoreError) {
        return .success(try body())
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// See ``QueryLimit/check()``.
  package static func check() throws(StoreError) {
    try limit?.check()
  }

  /// See ``QueryLimit/hold(_:)``.
  package static func hold(_ bytes: Int) throws(StoreError) {
    try limit?.hold(bytes)
  }
}
