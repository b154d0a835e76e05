import ArgumentParser
import Glibc
import SQLiteStorage

struct RestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Replace a data directory's database by a backup.",
    discussion: """
      No service may run on the directory, because what it accepts meanwhile would be lost. The \
      backup is verified first; for one from an older version, only its file is. An existing \
      database is replaced only with --force, and is kept under another name.

        hale restore /backups/hale-20260301T100000Z.backup --data /var/lib/hale
      """)

  @Argument(help: "The backup file.", completion: .file())
  var source: String

  @Flag(help: "Replace an existing database, which is kept under another name.")
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
          + "--force, which keeps it under another name.")
    }
    // The copy is complete and on disk before anything that exists is touched.
    let fresh = path + ".restored-\(getpid())"
    let bytes = try writeVerified(from: source, to: fresh).bytes
    let kept = isThere ? try keepOld(path, settings) : nil
    // A WAL belongs to its database: SQLite would apply the old one to the new file.
    for suffix in ["-wal", "-shm"] { removeFile(path + suffix) }
    try renameDurably(fresh, to: path)
    try json.printResult(
      [("file", .string(path)), ("bytes", .integer(bytes)), ("replaced", .optional(kept))],
      "\(path) is restored from \(source): \(bytes) bytes.",
      kept.map { "The database before is kept as \($0)." })
  }

  /// Gives the existing database a second name. Its WAL is checkpointed first, so that the file is
  /// complete under both names until the new one replaces it.
  private func keepOld(_ path: String, _ settings: Settings) throws -> String {
    let time = try SystemClock(settings.now).now().rfc3339.filter { $0 != "-" && $0 != ":" }
    let old = "\(path).before-\(time)"
    do {
      try DataFile.checkpoint(path: path)
    } catch {
      // The WAL of a damaged database is kept beside it.
      if FileIdentity(path: path + "-wal") != nil {
        try linkDurably(path + "-wal", to: old + "-wal")
      }
    }
    try linkDurably(path, to: old)
    return old
  }
}
