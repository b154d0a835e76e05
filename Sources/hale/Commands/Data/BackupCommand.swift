import ArgumentParser
import ReleaseHealth
import SQLiteStorage
import Storage

struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Write all data into one file, and verify it.",
    discussion: """
      The file is the data as it was at one moment; a service may run, and takes sessions \
      meanwhile. It is there under its name only when it is whole and verified.

      It holds the key by which users are hashed: who has it can tell whether a user they know is \
      among the data. Without it every user would count as a new one after a restore. So keep it as \
      you keep the data.

        hale backup /backups                       a file named by the time
        hale backup /backups/monday.backup --force
      """)

  @Argument(help: "The file, or a directory for one named by the time.", completion: .file())
  var destination: String

  @Flag(help: "Replace a file that is there.")
  var force = false

  @OptionGroup var json: JSONOptions
  @OptionGroup var data: DataOptions

  func run() throws {
    let settings = try Settings(flags: data.given)
    let source = try dataFile(settings.dataDirectory)
    var path = destination
    if FileIdentity(path: path)?.isDirectory == true {
      let time = try SystemClock(settings.now).now().rfc3339.prefix(19)
        .filter { $0 != "-" && $0 != ":" }
      path += "\(path.hasSuffix("/") ? "" : "/")hale-\(time)Z.backup"
    }
    try checkDestination(path, dataDirectory: settings.dataDirectory)
    let began = SystemClock.monotonicMilliseconds()
    let (bytes, isVerified) = try writeVerified(from: source, to: path)
    let milliseconds = SystemClock.monotonicMilliseconds() - began
    if json.isJSON {
      try printLine(
        jsonLine([
          ("file", .string(path)), ("bytes", .integer(bytes)),
          ("durationMilliseconds", .integer(milliseconds)), ("verified", .boolean(isVerified)),
        ]))
    } else {
      let checked = isVerified ? "verified" : "of an older version, its file checked"
      try printLine("\(path): \(bytes) bytes, \(checked), \(milliseconds) ms.")
      try printLine("It holds the key of the user hashes: keep it as you keep the data.")
    }
  }

  /// Only what is not there, or with --force a plain file, is written over; never the data itself.
  private func checkDestination(_ path: String, dataDirectory: String) throws {
    let own = FileIdentity(path: dataDirectory)
    let name = path.split(separator: "/").last.map(String.init) ?? path
    if own != nil, FileIdentity(path: directoryPath(of: path)) == own,
      ["hale.db", "hale.lock", "hale.sock"].contains(where: name.hasPrefix)
    {
      throw CommandFailure.failed("\(path) is one of the data directory's own names.")
    }
    guard let kind = FileKind(path: path) else { return }
    guard kind == .file else {
      throw CommandFailure.failed("\(path) is there and is no plain file. Choose another name.")
    }
    guard force else {
      throw CommandFailure.failed("\(path) is there already. Choose another name, or add --force.")
    }
  }
}

/// Copies a database under another name first, and verifies it before it gets its own.
///
/// - Returns: the bytes of the file, and whether its numbers were verified; of an older version only
///   the file is.
func writeVerified(
  from source: String, to path: String
) throws -> (bytes: Int64, isVerified: Bool) {
  let part = try PartialFile(for: path)
  do {
    let line = ProgressLine("copying")
    let bytes = try DataFile.copy(from: source, to: part.path, progress: line.update)
    line.finish()
    let report = try verified(part.path)
    if report.findingCount > 0 {
      for finding in report.findings { printNotice("\(finding.check): \(finding.detail)") }
      throw CommandFailure.failed(
        "\(source) is not as it should be (\(report.findingCount) findings); nothing was written "
          + "to \(path). See `hale verify`.")
    }
    let isCurrent = try DataFile.isCurrent(path: part.path)
    try part.finish()
    return (bytes, isCurrent)
  } catch {
    part.discard()
    throw error
  }
}
