import ArgumentParser
import Envelopes
import ReleaseHealth

/// Measures reading an envelope of one session: frame, header and JSON, all of it validated.
struct EnvelopeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "envelope", abstract: "Nanoseconds to read an envelope of one session.")

  @OptionGroup var options: TrafficOptions

  @Option(help: "The number of different envelopes.")
  var count = 10_000

  @Option(help: "The number of times that all of them are read.")
  var rounds = 25

  func run() throws {
    var traffic = options.traffic
    traffic.open = count
    let wire = WireSession(traffic: traffic)
    let bodies = (0..<count).map { Array(wire.single($0).utf8) }
    var read = 0
    let times = try (0..<rounds).map { _ in
      let watch = Stopwatch()
      for body in bodies { read += try sessions(in: body) }
      return watch.processorSeconds / Double(count) * 1e9
    }
    guard read == count * rounds else { throw ValidationError("an envelope is invalid") }
    let bytes = bodies.reduce(0) { $0 + $1.count }
    printFigures(Sample(times).figures("ns") + [("bytes", Double(bytes) / Double(count))])
  }

  /// The number of valid sessions in an envelope.
  private func sessions(in body: [UInt8]) throws -> Int {
    var reader = EnvelopeReader()
    var index = 0
    var found = 0
    let bytes = body.span
    while let item = try reader.next(bytes, &index) { found += isSession(item) ? 1 : 0 }
    if let last = try reader.finish() { found += isSession(last) ? 1 : 0 }
    return found
  }

  private func isSession(_ item: EnvelopeItem) -> Bool {
    guard case .session(.success) = item else { return false }
    return true
  }
}
