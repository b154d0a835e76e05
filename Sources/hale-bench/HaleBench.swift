import ArgumentParser
import ReleaseHealth

/// The root of all scenarios.
struct HaleBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hale-bench",
    abstract: "Measure parts of Hale, for `Scripts/bench`.",
    discussion: "Each scenario prints one line of JSON. The same seed gives the same data.",
    subcommands: [
      FillCommand.self, RequestsCommand.self, CeilingCommand.self, EnvelopeCommand.self,
      ReduceCommand.self, UsersCommand.self, QueryCommand.self, RawCommand.self, ListenCommand.self,
      GateCommand.self, EstimateCommand.self,
    ])
}

/// The options of the made-up traffic, which all scenarios share.
struct TrafficOptions: ParsableArguments {
  @Option(help: "The seed, on which everything depends.")
  var seed: UInt64 = 1

  @Option(help: "The end of the history, and the time of the service's clock.")
  var now = "2026-03-01T12:30:00Z"

  @Option(help: "The sessions of the history, all ended.")
  var sessions = 1_000_000

  @Option(help: "The sessions of the last hour that have not ended.")
  var open = 0

  @Option(help: "The days of the history.")
  var days = 4

  @Option(help: "The number of users, drawn uniformly.")
  var users = 100_000

  @Option(help: "The number of releases, drawn uniformly.")
  var releases = 10

  @Option(help: "The number of environments; the first has three quarters of the sessions.")
  var environments = 2

  func validate() throws {
    guard RFC3339.parse(now) != nil else {
      throw ValidationError("--now takes a time like 2026-03-01T12:30:00Z")
    }
    guard [sessions, open, days].allSatisfy({ $0 >= 0 }),
      [users, releases, environments].allSatisfy({ $0 > 0 })
    else { throw ValidationError("sizes are positive numbers") }
  }

  var traffic: Traffic {
    Traffic(
      seed: seed, now: RFC3339.parse(now) ?? Timestamp(milliseconds: 0), sessions: sessions,
      open: open, days: days, users: users, releases: releases, environments: environments)
  }
}
