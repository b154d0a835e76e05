import ArgumentParser

extension ArgumentHelp {
  /// The help of an option, and the placeholder of its value.
  static func of(_ valueName: String, _ abstract: String) -> ArgumentHelp {
    ArgumentHelp(abstract, valueName: valueName)
  }
}

/// The flags of every command that works on a data directory.
struct DataOptions: ParsableArguments {
  @Option(.data, completion: .directory)
  var data: String?

  @Option(.configuration, completion: .file())
  var config: String?

  @Option(.now)
  var now: String?

  var given: [(setting: Setting, value: String?)] {
    [(.data, data), (.configuration, config), (.now, now)]
  }
}

/// The flag of the commands that print DSNs.
struct PublicURLOptions: ParsableArguments {
  @Option(.publicURL)
  var publicURL: String?

  var given: [(setting: Setting, value: String?)] { [(.publicURL, publicURL)] }
}

/// The flags of the commands that send notifications.
struct NoticeOptions: ParsableArguments {
  @Option(.privateNoticeHosts)
  var privateNoticeHosts: String?

  @Option(.caFile, completion: .file())
  var caFile: String?

  @Option(.smtpFrom)
  var smtpFrom: String?

  @Option(.noticeCommands, completion: .directory)
  var noticeCommands: String?

  var given: [(setting: Setting, value: String?)] {
    [
      (.privateNoticeHosts, privateNoticeHosts), (.caFile, caFile), (.smtpFrom, smtpFrom),
      (.noticeCommands, noticeCommands),
    ]
  }
}

/// The flag that names the organization.
struct OrganizationOptions: ParsableArguments {
  @Option(
    name: .customLong("org"), help: .of("slug", "The slug of the organization. (default: default)"))
  var slug: String?
}

/// The flags of the commands about what belongs to an organization.
struct CatalogOptions: ParsableArguments {
  @OptionGroup var organization: OrganizationOptions
  @OptionGroup var json: JSONOptions
  @OptionGroup var data: DataOptions
}

/// The flag that chooses the form of the output.
struct JSONOptions: ParsableArguments {
  @Flag(name: .customLong("json"), help: "Print one line of JSON per entry, for scripts.")
  var isJSON = false

  /// Prints a result, as a line of JSON or as lines of text.
  func printResult(_ members: JSONMembers, _ lines: String?...) throws(CommandFailure) {
    if isJSON { return try printLine(jsonLine(members)) }
    for case let line? in lines { try printLine(line) }
  }

  /// Prints a result, as a line of JSON or as aligned names and values with a note.
  func printResult(
    _ members: JSONMembers, _ pairs: [(name: String, value: String)], note: String? = nil
  ) throws(CommandFailure) {
    if isJSON { return try printLine(jsonLine(members)) }
    try printPairs(pairs)
    if let note { try printLine(note) }
  }

  /// Prints a line of JSON for each entry, or a table of them.
  func printEntries<Entry>(
    _ entries: [Entry], _ titles: [String], row: (Entry) -> [String],
    members: (Entry) -> JSONMembers
  ) throws(CommandFailure) {
    guard isJSON else { return try printColumns(titles, entries.map(row)) }
    for entry in entries { try printLine(jsonLine(members(entry))) }
  }
}
