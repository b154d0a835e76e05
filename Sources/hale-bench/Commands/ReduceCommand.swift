import ArgumentParser
import ReleaseHealth

/// Measures folding the last update of a session into its state.
struct ReduceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reduce", abstract: "Measure folding an update into its session, in nanoseconds.")

  @OptionGroup var options: TrafficOptions

  func run() throws {
    let traffic = options.traffic
    let sessions = (0..<10_000).map { index in
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
    let times = try Sample.nanoseconds(of: sessions) { known, end, user in
      guard SessionReducer.reduce(known, end, user: user).isChanged else {
        throw ValidationError("an update changed nothing")
      }
    }
    printFigures(times.figures("ns"))
  }
}
