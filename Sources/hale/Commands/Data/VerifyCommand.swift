import ArgumentParser
import SQLiteStorage
import Storage

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Verify the database and its numbers.",
    discussion: """
      Recounts users and sessions from the stored sessions, compares everything that is stored \
      twice, and checks the file. It only reads, and may run beside a service. Exits with 1 if \
      it finds a difference.

        hale verify --data /var/lib/hale
        hale verify hale-20260301T100000Z.backup
      """)

  @Argument(help: "A backup to verify, instead of the data directory.", completion: .file())
  var file: String?

  @OptionGroup var json: JSONOptions
  @OptionGroup var data: DataOptions

  func run() throws {
    let path = try file ?? dataFile(Settings(flags: data.given).dataDirectory)
    let report = try verified(path)
    try json.printResult(
      [("path", .string(path)), ("findings", .integer(Int64(report.findingCount)))]
        + report.compared.map { ($0.check.replacing(" ", with: "_"), .integer(Int64($0.count))) },
      report.compared.map { ($0.check, "\($0.count) compared") },
      note: report.findingCount == 0 ? "No differences found." : nil)
    guard report.findingCount == 0 else {
      for finding in report.findings { printNotice("\(finding.check): \(finding.detail)") }
      throw CommandFailure.failed(
        "\(path): \(report.findingCount) findings. Keep the file, and see `hale help restore` to "
          + "replace it by a backup.")
    }
  }
}

/// The path of a data directory's database, which must exist.
func dataFile(_ directory: String) throws(CommandFailure) -> String {
  let path = directory + "/hale.db"
  guard FileIdentity(path: path) != nil else {
    throw .failed("There is no \(path). Name the data directory with --data.")
  }
  return path
}

/// Verifies a file, and shows the progress.
func verified(_ path: String) throws -> VerificationReport {
  guard let identity = FileIdentity(path: path), !identity.isDirectory else {
    throw CommandFailure.failed("There is no file \(path).")
  }
  let line = ProgressLine("verifying")
  defer { line.finish() }
  return try CurrentQuery.bound(to: DiskGuard(path)) { () throws(StoreError) in
    try DataFile.verify(path: path, progress: line.update)
  }
}
