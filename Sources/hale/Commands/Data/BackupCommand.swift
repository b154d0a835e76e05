import Storage
import ArgumentParser
import SQLiteStorage

struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Write a verified backup of all data into one file.",
    discussion: """
      The file is a consistent snapshot. A service may run and accept sessions meanwhile. The file \
      gets its name only when it is complete and verified.

      It contains the key of the user hashes: whoever has it can check whether a known user is in \
      the data. Without the key every user would count as new after a restore. Protect the file as \
      you protect the data.

        hale backup /backups                       named by the time
        hale backup /backups/monday.backup --force
      """)

  @Argument(help: "The file, or a directory for a file named by the time.", completion: .file())
  var destination: String

  @Flag(help: "Replace an existing file.")
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
    let checked = isVerified ? "verified" : "of an older version, only its file verified"
    try json.printResult(
      [
        ("file", .string(path)), ("bytes", .integer(bytes)),
        ("durationMilliseconds", .integer(milliseconds)), ("verified", .boolean(isVerified)),
      ],
      "\(path): \(bytes) bytes, \(checked), \(milliseconds) ms.",
      "It contains the key of the user hashes: protect it as you protect the data.")
  }

  /// Allows a new file, or with --force an existing plain file, but never the data itself.
  private func checkDestination(_ path: String, dataDirectory: String) throws {
    let own = FileIdentity(path: dataDirectory)
    let name = path.split(separator: "/").last.map(String.init) ?? path
    if own != nil, FileIdentity(path: directoryPath(of: path)) == own,
      ["hale.db", "hale.lock", "hale.sock"].contains(where: name.hasPrefix)
    {
      throw CommandFailure.failed("\(path) is one of the data directory's own files.")
    }
    guard let isPlainFile = isPlainFile(path) else { return }
    guard isPlainFile else {
      throw CommandFailure.failed("\(path) exists and is not a plain file. Choose another name.")
    }
    guard force else {
      throw CommandFailure.failed("\(path) exists already. Choose another name, or add --force.")
    }
  }
}

/// Copies a database to a temporary file, verifies that, and renames it.
///
/// - Returns: the size of the file in bytes, and whether its numbers were verified; for an older
///   version only the file is.
func writeVerified(
  from source: String, to path: String
) throws -> (bytes: Int64, isVerified: Bool) {
  let part = try PartialFile(for: path)
  do {
    let line = ProgressLine("copying")
    let bytes = try CurrentQuery.bound(to: DiskGuard(source)) { () throws(StoreError) in
      try DataFile.copy(from: source, to: part.path, progress: line.update)
    }
    line.finish()
    let report = try verified(part.path)
    if report.findingCount > 0 {
      for finding in report.findings { printNotice("\(finding.check): \(finding.detail)") }
      throw CommandFailure.failed(
        "\(source) failed verification (\(report.findingCount) findings); nothing was written "
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
