import ArgumentParser
import ReleaseHealth

/// Measures folding the last update of a session into its state.
struct ReduceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reduce", abstract: "Measure folding an update into its session, in nanoseconds.")

  @OptionGroup var options: TrafficOptions

  @Option(help: "The number of different sessions.")
  var count = 10_000

  @Option(help: "The number of times that all of them are folded.")
  var rounds = 25

  func run() throws {
    let traffic = options.traffic
    let scopes = traffic.scopes(project: ProjectID(rawValue: 1))
    let pairs = (0..<count).map { index -> (begun: Session, ended: Session) in
      let made = traffic.packed(index)
      let key = SessionKey(
        scope: scopes[traffic.scope(of: made)], started: made.started,
        sessionID: SessionID(value: made.id))
      let user = UserID(rawValue: UInt32(truncatingIfNeeded: made.user))
      let begin = SessionReport(
        key: key, correctedStart: made.started, status: .ok, isInitial: true)
      let end = SessionReport(
        key: key, correctedStart: made.started, status: made.status,
        durationMilliseconds: made.durationMilliseconds)
      return (Session(begin, user: user), Session(end, user: user))
    }
    var changed = 0
    let times = (0..<rounds).map { _ in
      let watch = Stopwatch()
      for pair in pairs where SessionReducer.reduce(pair.begun, pair.ended).isChanged {
        changed += 1
      }
      return watch.processorSeconds / Double(count) * 1e9
    }
    guard changed == count * rounds else { throw ValidationError("an update changed nothing") }
    printFigures(Sample(times).figures("ns"))
  }
}
