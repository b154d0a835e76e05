import FoundationEssentials

/// The sources of settings, in the order of precedence: flags, the environment, the file.
struct SettingSources {
  /// A value with its source.
  struct Found {
    /// The name of the source, for example `--listen` or `HALE_LISTEN (line 3 of hale.conf)`.
    let origin: String
    let value: String
  }

  private let flags: [(setting: Setting, value: String?)]
  private let environment: [String: String]
  private var file: ConfigurationFile?

  /// - Parameter flags: the flags of the command; a nil value is a flag that was not given.
  init(
    flags: [(setting: Setting, value: String?)],
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(CommandFailure) {
    self.flags = flags
    self.environment = environment
    // A flag or a variable names the file itself.
    if let path = value(of: .configuration) {
      file = try ConfigurationFile(path: path.value, origin: path.origin)
    }
  }

  /// The value of a setting from the first source that has it; nil where none has.
  func value(of setting: Setting) -> Found? {
    if let flag = setting.flag,
      let value = flags.last(where: { $0.setting.name == setting.name })?.value
    {
      return Found(origin: flag, value: value)
    }
    // An empty variable counts as absent: container files often pass on unset variables.
    if let value = environment[setting.variable], !value.isEmpty {
      return Found(origin: setting.variable, value: value)
    }
    if let file, let value = file.values[setting.variable], !value.isEmpty {
      return Found(origin: file.origin(of: setting), value: value)
    }
    return nil
  }
}
