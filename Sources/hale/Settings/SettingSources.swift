import FoundationEssentials

/// Where values of settings come from, the deciding one first: flags, the environment, the file.
struct SettingSources {
  /// A value together with where it was found.
  struct Found {
    /// The setting as it was given, for example `--listen` or `HALE_LISTEN (line 3 of hale.conf)`.
    let origin: String
    let value: String
  }

  private let flags: [(setting: Setting, value: String?)]
  private let environment: [String: String]
  private var file: ConfigurationFile?

  /// - Parameters:
  ///   - flags: the flags that were given; nil values are flags that were not.
  ///   - environment: the environment; the process's own unless a test brings another.
  init(
    flags: [(setting: Setting, value: String?)],
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(CommandFailure) {
    self.flags = flags
    self.environment = environment
    // The file is itself named by a flag or a variable, so it is found by the other two.
    if let path = value(of: .configuration) {
      file = try ConfigurationFile(path: path.value, origin: path.origin)
    }
  }

  /// The deciding value of a setting; nil where nothing is said.
  func value(of setting: Setting) -> Found? {
    if let flag = setting.flag,
      let value = flags.last(where: { $0.setting.name == setting.name })?.value
    {
      return Found(origin: flag, value: value)
    }
    // An empty variable is none: container files often pass on variables that nobody set.
    if let value = environment[setting.variable], !value.isEmpty {
      return Found(origin: setting.variable, value: value)
    }
    if let file, let value = file.values[setting.variable], !value.isEmpty {
      return Found(origin: file.origin(of: setting), value: value)
    }
    return nil
  }
}
