import ArgumentParser
import Envelopes

/// Measures reading an envelope of one session: frame, header and JSON, all of it validated.
struct EnvelopeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "envelope", abstract: "Nanoseconds to read an envelope of one session.")

  @OptionGroup var options: TrafficOptions

  func run() throws {
    var traffic = options.traffic
    traffic.open = 10_000
    let wire = WireSession(traffic: traffic)
    let bodies = (0..<traffic.open).map { Array(wire.single($0).utf8) }
    let times = try Sample.nanoseconds(of: bodies) { body in
      guard try sessions(in: body) == 1 else { throw ValidationError("an envelope is invalid") }
    }
    let bytes = bodies.reduce(0) { $0 + $1.count }
    printFigures(times.figures("ns") + [("bytes", Double(bytes) / Double(bodies.count))])
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
