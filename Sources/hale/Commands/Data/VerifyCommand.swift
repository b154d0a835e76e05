import ArgumentParser
import SQLiteStorage
import Storage

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that the data is whole and that its numbers are right.",
    discussion: """
      Counts users and sessions again from the sessions that are still remembered, compares all \
      that is kept twice, and checks the file. Only reads, also while a service runs. Exits with 1 \
      where something is wrong.

        hale verify --data /var/lib/hale
        hale verify hale-20260301T100000Z.backup
      """)

  @Argument(help: "A backup to check in place of the data directory.", completion: .file())
  var file: String?

  @OptionGroup var json: JSONOptions
  @OptionGroup var data: DataOptions

  func run() throws {
    let path = try file ?? dataFile(Settings(flags: data.given).dataDirectory)
    let report = try verified(path)
    if json.isJSON {
      try printLine(
        jsonLine(
          [("path", .string(path)), ("findings", .integer(Int64(report.findingCount)))]
            + report.compared.map {
              ($0.check.replacing(" ", with: "_"), .integer(Int64($0.count)))
            }))
    } else {
      try printPairs(report.compared.map { ($0.check, "\($0.count) compared") })
      if report.findingCount == 0 { try printLine("All of it is right.") }
    }
    guard report.findingCount == 0 else {
      for finding in report.findings { printNotice("\(finding.check): \(finding.detail)") }
      throw CommandFailure.failed(
        "\(path): \(report.findingCount) findings. Keep the file, and see `hale help restore` for "
          + "putting a backup in its place.")
    }
  }
}

/// The database of a data directory, which must be there.
func dataFile(_ directory: String) throws(CommandFailure) -> String {
  let path = directory + "/hale.db"
  guard FileIdentity(path: path) != nil else {
    throw .failed("There is no \(path). Name the data directory with --data.")
  }
  return path
}

/// Verifies a file, and shows how far it is.
func verified(_ path: String) throws -> VerificationReport {
  guard let identity = FileIdentity(path: path), !identity.isDirectory else {
    throw CommandFailure.failed("There is no file \(path).")
  }
  let line = ProgressLine("verifying")
  defer { line.finish() }
  return try DataFile.verify(path: path, progress: line.update)
}
