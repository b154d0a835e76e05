/// The optional configuration file: lines such as `HALE_LISTEN=0.0.0.0:8787`, empty lines, and
/// comments that start with `#`. The last line about a setting wins, as in any environment file.
///
/// An invalid line is an error with its number, because an operator would not notice that a line
/// is ignored.
struct ConfigurationFile {
  let path: String
  /// The values, by the names of their variables.
  private(set) var values: [String: String] = [:]
  private var lines: [String: Int] = [:]
  /// Lines with names that are not Hale's, as the beginning of a sentence.
  private var foreign: [String] = []

  /// - Parameter origin: the flag or variable that named the file.
  init(path: String, origin: String) throws(CommandFailure) {
    let text: String
    do {
      text = String(decoding: try readFile(path, bytesMax: 1 << 20), as: UTF8.self)
    } catch {
      throw .usage("\(origin) names a file that cannot be used: \(error.description).")
    }
    try self.init(text: text, path: path)
    for line in foreign { printNotice("\(line), which is not a setting of Hale. It is ignored.") }
  }

  /// - Parameter path: the name of the file in errors.
  init(text: String, path: String) throws(CommandFailure) {
    self.path = path
    let known = Setting.all.filter(\.isInFile).map(\.variable)
    let rawLines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, rawLine) in rawLines.enumerated() {
      let line = rawLine.trimmingWhitespace()
      guard !line.isEmpty, !line.hasPrefix("#") else { continue }
      let place = "Line \(index + 1) of \(path)"
      guard let sign = line.firstIndex(of: "=") else {
        throw .usage("\(place) is '\(line)', but a line is NAME=VALUE, a comment, or empty.")
      }
      let name = String(line[..<sign].trimmingWhitespace())
      guard known.contains(name) || !name.hasPrefix("HALE_") else {
        let reason =
          name == Setting.configuration.variable
          ? "which a file cannot set" : "which is not a setting of Hale"
        throw .usage(
          "\(place) sets \(name), \(reason). A file can set \(known.joined(separator: ", ")).")
      }
      if !known.contains(name) { foreign.append("\(place) sets \(name)") }
      let text = line[line.index(after: sign)...].trimmingWhitespace()
      let value = text.withoutQuotes()
      // A shell reads ` #` as a comment, and a container runtime as part of the value.
      if value == String(text), value.contains(" #") {
        throw .usage(
          "\(place) gives \(name) a value that contains ' #'. Put a comment on its own line, or "
            + "the value in quotation marks.")
      }
      values[name] = value
      lines[name] = index + 1
    }
  }

  /// The name in errors of a setting from this file.
  func origin(of setting: Setting) -> String {
    guard let line = lines[setting.variable] else { return setting.variable }
    return "\(setting.variable) (line \(line) of \(path))"
  }
}

extension StringProtocol {
  /// The text without the quotation marks around it, as shells read such files.
  fileprivate func withoutQuotes() -> String {
    for mark in ["\"", "'"] where count > 1 && hasPrefix(mark) && hasSuffix(mark) {
      return String(dropFirst().dropLast())
    }
    return String(self)
  }

  /// The text without spaces, tabs and carriage returns at either end.
  fileprivate func trimmingWhitespace() -> SubSequence {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
    guard let first = firstIndex(where: { !isBlank($0) }),
      let last = lastIndex(where: { !isBlank($0) })
    else { return self[endIndex...] }
    return self[first...last]
  }
}
