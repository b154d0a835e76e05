/// When the steps of jobs have their turn among the batches of the ingest queue.
///
/// While batches come, each step is followed by a rest of twice its time, so that jobs take a third of
/// the writer's time at most, and a request waits for one step, not for one after the other.
struct StepPacing {
  private static let restsPerStep = 2.0
  /// When no batch was stored for so long, nobody waits for a step.
  private static let quietSeconds = 0.005

  private var lastBatch = -Double.infinity
  private var restEnd = -Double.infinity

  /// A batch was stored.
  ///
  /// - Parameter seconds: by a clock that is never set back, as all times here.
  mutating func noteBatch(at seconds: Double) {
    lastBatch = seconds
  }

  mutating func noteStep(from start: Double, to end: Double) {
    restEnd = end + Self.restsPerStep * (end - start)
  }

  /// For how many seconds no step is to be done; 0 when one may be.
  func pause(at seconds: Double) -> Double {
    max(0, min(restEnd, lastBatch + Self.quietSeconds) - seconds)
  }
}
