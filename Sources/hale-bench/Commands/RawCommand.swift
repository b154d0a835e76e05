import ArgumentParser
import ReleaseHealth

/// Writes the sessions of a history for another database.
struct RawCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "raw",
    abstract: "Write the history that `fill` stores as rows, in ClickHouse's RowBinary.",
    discussion: """
      A row: start in seconds (UInt32), release (UInt16), environment (UInt8), severity (UInt8), \
      user (UInt32), session id (UUID).
      """)

  @OptionGroup var options: TrafficOptions

  @Option(help: "The file to write.")
  var file: String

  func run() throws {
    let traffic = options.traffic
    let output = try OutputFile(file)
    var progress = ProgressLine("raw sessions")
    for index in 0..<traffic.sessions {
      let session = traffic.history(index)
      let severity = Severity(status: session.status, errors: 0)
      try output.write(
        littleEndian(UInt32(truncatingIfNeeded: session.started.seconds))
          + littleEndian(UInt16(truncatingIfNeeded: session.release))
          + [UInt8(truncatingIfNeeded: session.environment), severity.rawValue]
          + littleEndian(UInt32(truncatingIfNeeded: session.user))
          + littleEndian(UInt64(truncatingIfNeeded: session.id >> 64))
          + littleEndian(UInt64(truncatingIfNeeded: session.id)))
      progress.update(index, of: traffic.sessions)
    }
    progress.finish()
    try output.close()
    printFigures([
      ("sessions", Double(traffic.sessions)), ("bytes", Double(output.bytesWritten)),
    ])
  }

  private func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
  }
}
