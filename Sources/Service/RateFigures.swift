internal import Locks
internal import ReleaseHealth
internal import Storage

/// The rates of all projects over the last 24 hours for `/metrics`, read once a minute at most, by
/// one query.
final class RateFigures: Sendable {
  /// The rates of a project, as fractions of 1.
  struct Figure {
    var project: ProjectID
    /// What is counted: `sessions` or `users`.
    var measure: String
    var crashFree: Double
    var failureFree: Double
  }

  private struct State {
    var minute: Int?
    var figures: [Figure] = []
  }

  private let state = Locked(State())

  /// The figures that were read last, without those that have nothing to divide by.
  var latest: [Figure] { state.withLock { $0.figures } }

  func isCurrent(at now: Timestamp) -> Bool { state.withLock { $0.minute == now.minute } }

  /// Reads the figures of a minute. Blocks.
  func read(_ projects: [Project], now: Timestamp, store: any SessionStore) {
    // Where the store fails there is no figure, rather than an old one that looks fresh.
    let figures = (try? Self.read(Set(projects.map(\.id)), now: now, store)) ?? []
    state.withLock { $0 = State(minute: now.minute, figures: figures) }
  }

  private static func read(
    _ projects: Set<ProjectID>, now: Timestamp, _ store: any SessionStore
  ) throws(StoreError) -> [Figure] {
    var query = HealthQuery(
      projects: projects, minutes: now.minute + 1 - 1440..<now.minute + 1)
    query.groupBy = [.project]
    query.measures = [.sessions, .users]
    var figures: [Figure] = []
    for group in try store.health(query) {
      let (sessions, users) = (group.totals.sessions, group.totals.users)
      for (measure, crashFree, failureFree) in [
        ("sessions", sessions.crashFreeRate, sessions.failureFreeRate),
        ("users", users.crashFreeRate, users.failureFreeRate),
      ] {
        guard let project = group.key.project, let crashFree, let failureFree else { continue }
        figures.append(
          Figure(
            project: project, measure: measure, crashFree: crashFree, failureFree: failureFree))
      }
    }
    return figures
  }
}
