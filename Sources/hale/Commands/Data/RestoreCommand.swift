import ArgumentParser
import Glibc
import ReleaseHealth
import SQLiteStorage
import Storage

struct RestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Put a backup in the place of a data directory's database.",
    discussion: """
      No service may run on the directory: what it takes meanwhile would be lost. The backup is \
      verified first (of one that an older version wrote, only the file). A database that is there is kept under another name, and only replaced with \
      --force.

        hale restore /backups/hale-20260301T100000Z.backup --data /var/lib/hale
      """)

  @Argument(help: "The backup.", completion: .file())
  var source: String

  @Flag(help: "Put it in the place of a database that is there, which is kept beside it.")
  var force = false

  @OptionGroup var json: JSONOptions
  @OptionGroup var data: DataOptions

  func run() throws {
    let settings = try Settings(flags: data.given)
    guard let identity = FileIdentity(path: source), !identity.isDirectory else {
      throw CommandFailure.failed("There is no file \(source).")
    }
    try createDirectory(settings.dataDirectory)
    let lock = try DirectoryLock(dataDirectory: settings.dataDirectory, for: .job)
    defer { withExtendedLifetime(lock) {} }
    let path = settings.dataDirectory + "/hale.db"
    let isThere = FileIdentity(path: path) != nil
    guard force || !isThere else {
      throw CommandFailure.failed(
        "There is a database in \(settings.dataDirectory) already. Choose another --data, or add "
          + "--force: it is then kept under another name.")
    }
    // Whole and on the disk before anything of what is there is touched.
    let fresh = path + ".restored-\(getpid())"
    let bytes = try writeVerified(from: source, to: fresh).bytes
    let kept = isThere ? try keepOld(path, settings) : nil
    // A log belongs to its file: one of another would be read into this one.
    for suffix in ["-wal", "-shm"] { removeFile(path + suffix) }
    try renameDurably(fresh, to: path)
    if json.isJSON {
      try printLine(
        jsonLine([
          ("file", .string(path)), ("bytes", .integer(bytes)), ("replaced", .optional(kept)),
        ]))
    } else {
      try printLine("\(path) is that of \(source): \(bytes) bytes.")
      if let kept { try printLine("What was there is now \(kept).") }
    }
  }

  /// Gives the database that is there a second name. Its log is brought in first, so that until the
  /// new file takes its place it stands under its old name, whole.
  private func keepOld(_ path: String, _ settings: Settings) throws -> String {
    let time = try SystemClock(settings.now).now().rfc3339.filter { $0 != "-" && $0 != ":" }
    let old = "\(path).before-\(time)"
    do {
      try DataFile.bringLogIn(path: path)
    } catch {
      // Of a damaged one the log is kept beside it.
      if FileIdentity(path: path + "-wal") != nil {
        try linkDurably(path + "-wal", to: old + "-wal")
      }
    }
    try linkDurably(path, to: old)
    return old
  }
}
