/// Decides when the steps of jobs run between the batches of the ingest queue.
///
/// While batches come, each step is followed by a rest of twice its time, so that jobs take a third
/// of the writer's time at most, and a request waits for one step, not for a series of them.
struct StepPacing {
  private static let restsPerStep = 2.0
  /// After this time without a batch, nobody waits for a step.
  private static let quietSeconds = 0.005

  private var lastBatch = -Double.infinity
  private var restEnd = -Double.infinity

  /// Notes that a batch was stored.
  ///
  /// - Parameter seconds: the time by a clock that is never set back, as everywhere here.
  mutating func noteBatch(at seconds: Double) {
    lastBatch = seconds
  }

  mutating func noteStep(from start: Double, to end: Double) {
    restEnd = end + Self.restsPerStep * (end - start)
  }

  /// The number of seconds in which no step may run; 0 when one may.
  func pause(at seconds: Double) -> Double {
    max(0, min(restEnd, lastBatch + Self.quietSeconds) - seconds)
  }
}
