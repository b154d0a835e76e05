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
    let sessions = (0..<count).map { index in
      let made = traffic.packed(index)
      let id = SessionID(value: made.id)
      let user = UserID(rawValue: UInt32(truncatingIfNeeded: made.user))
      var begin = SessionUpdate(started: made.started, release: "")
      begin.isInitial = true
      var end = SessionUpdate(started: made.started, release: "")
      end.status = made.status
      end.durationMilliseconds = made.durationMilliseconds
      return (
        known: Session(
          SessionReport(begin, sessionID: id, correctedStart: made.started, user: nil), user: user),
        end: SessionReport(end, sessionID: id, correctedStart: made.started, user: nil), user: user
      )
    }
    var changed = 0
    let times = (0..<rounds).map { _ in
      let watch = Stopwatch()
      for (known, end, user) in sessions
      where SessionReducer.reduce(known, end, user: user).isChanged {
        changed += 1
      }
      return watch.processorSeconds / Double(count) * 1e9
    }
    guard changed == count * rounds else { throw ValidationError("an update changed nothing") }
    printFigures(Sample(times).figures("ns"))
  }
}
