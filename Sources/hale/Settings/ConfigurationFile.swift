import Configuration

/// The optional configuration file: lines `HALE_LISTEN=0.0.0.0:8787`, empty ones, and comments
/// that start with `#`. The last line about a setting stands, as in every environment file.
///
/// The reader of swift-configuration passes over what it does not understand and forgets line
/// numbers; a setting that is silently without effect is what an operator finds last, so the lines
/// are read here and the values handed to its provider.
struct ConfigurationFile {
  /// A configuration larger than this is no configuration.
  private static let bytesMax = 1 << 20

  let path: String
  let provider: EnvironmentVariablesProvider
  private let lines: [String: Int]

  /// - Parameters:
  ///   - path: where the file is.
  ///   - origin: the flag or variable that named it.
  init(path: String, origin: String) throws(CommandFailure) {
    let text: String
    do {
      text = String(decoding: try readFile(path, bytesMax: Self.bytesMax), as: UTF8.self)
    } catch {
      throw .usage("\(origin) names a file that cannot be used: \(error.description).")
    }
    try self.init(text: text, path: path)
  }

  /// - Parameter path: what errors call the file.
  init(text: String, path: String) throws(CommandFailure) {
    var values: [String: String] = [:]
    var lines: [String: Int] = [:]
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
          ? "which a file cannot set" : "which is no setting of Hale"
        throw .usage(
          "\(place) sets \(name), \(reason). A file can set \(known.joined(separator: ", ")).")
      }
      values[name] = String(line[line.index(after: sign)...].trimmingWhitespace())
      lines[name] = index + 1
    }
    self.path = path
    self.lines = lines
    self.provider = EnvironmentVariablesProvider(environmentVariables: values)
  }

  /// How an error calls the setting that this file gives.
  func origin(of setting: Setting) -> String {
    guard let line = lines[setting.variable] else { return setting.variable }
    return "\(setting.variable) (line \(line) of \(path))"
  }
}

extension StringProtocol {
  /// Without spaces, tabs and carriage returns at either end.
  fileprivate func trimmingWhitespace() -> SubSequence {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
    guard let first = firstIndex(where: { !isBlank($0) }),
      let last = lastIndex(where: { !isBlank($0) })
    else { return self[endIndex...] }
    return self[first...last]
  }
}
