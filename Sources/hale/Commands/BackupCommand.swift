import ArgumentParser
import ReleaseHealth
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
    guard force || FileIdentity(path: path) == nil else {
      throw CommandFailure.failed("\(path) is there already. Choose another name, or add --force.")
    }
    let began = SystemClock.monotonicMilliseconds()
    let bytes = try writeVerified(from: source, to: path)
    let milliseconds = SystemClock.monotonicMilliseconds() - began
    if json.isJSON {
      try printLine(
        jsonLine([
          ("file", .string(path)), ("bytes", .integer(bytes)),
          ("durationMilliseconds", .integer(milliseconds)), ("verified", .boolean(true)),
        ]))
    } else {
      try printLine("\(path): \(bytes) bytes, verified, \(milliseconds) ms.")
      try printLine("It holds the key of the user hashes: keep it as you keep the data.")
    }
  }
}

/// Copies a database under another name first, and verifies it before it gets its own.
///
/// - Returns: the bytes of the file.
func writeVerified(from source: String, to path: String) throws -> Int64 {
  let part = path + ".part"
  removeFile(part)
  do {
    try createFile(part)
    let line = ProgressLine("copying")
    let bytes = try copyData(from: source, to: part, progress: line.update)
    line.finish()
    // One of an older version is verified when it has been brought forward.
    if try isCurrentData(path: part) {
      let report = try verified(part)
      if report.findingCount > 0 {
        for finding in report.findings { printNotice("\(finding.check): \(finding.detail)") }
        throw CommandFailure.failed(
          "\(source) is not as it should be (\(report.findingCount) findings); nothing was written "
            + "to \(path). See `hale verify`.")
      }
    }
    try renameDurably(part, to: path)
    return bytes
  } catch {
    removeFile(part)
    throw error
  }
}
