internal import Locks
internal import ReleaseHealth
internal import Storage

/// The last batch with updates of each project that were not folded when it was stored: a query of
/// some projects waits for theirs, and not for those of a project that floods.
final class WaitingBatches: Sendable {
  private struct State {
    /// The last batch of which the projects are not known, as an earlier process left it.
    var ofAny: Int64 = 0
    var ofProject: [ProjectID: Int64] = [:]
  }

  private let state = Locked(State())

  /// Notes a stored batch, before its clients are answered.
  ///
  /// - Parameter projects: those whose updates wait; nil if they are not known, when the file was
  ///   opened.
  func note(_ batch: Int64, of projects: Set<ProjectID>?) {
    state.withLock { state in
      guard let projects else {
        state = State(ofAny: batch)
        return
      }
      for project in projects { state.ofProject[project] = batch }
    }
  }

  func last(of projects: Set<ProjectID>) -> Int64 {
    state.withLock { state in
      projects.reduce(state.ofAny) { max($0, state.ofProject[$1] ?? 0) }
    }
  }
}
