import Configuration

/// Where values of settings come from, the deciding one first: flags, the environment, the file.
struct SettingSources {
  /// A value together with where it was found.
  struct Found {
    /// The setting as it was given, for example `--listen` or `HALE_LISTEN (line 3 of hale.conf)`.
    let origin: String
    let value: String
  }

  private let flags: InMemoryProvider
  private let environment: EnvironmentVariablesProvider
  private var file: ConfigurationFile?

  /// - Parameters:
  ///   - flags: the flags that were given; nil values are flags that were not.
  ///   - environment: the environment; the process's own unless a test brings another.
  init(
    flags: [(setting: Setting, value: String?)],
    environment: EnvironmentVariablesProvider = EnvironmentVariablesProvider()
  ) throws(CommandFailure) {
    var given: [AbsoluteConfigKey: ConfigValue] = [:]
    for (setting, value) in flags {
      given[setting.key] = value.map { ConfigValue(.string($0), isSecret: false) }
    }
    self.flags = InMemoryProvider(name: "flags", values: given)
    self.environment = environment
    // The file is itself named by a flag or a variable, so it is found by the other two.
    self.file = nil
    if let path = try value(of: .configuration) {
      self.file = try ConfigurationFile(path: path.value, origin: path.origin)
    }
  }

  /// The deciding value of a setting; nil where nothing is said.
  func value(of setting: Setting) throws(CommandFailure) -> Found? {
    if let flag = setting.flag, let value = text(of: setting, in: flags) {
      return Found(origin: flag, value: value)
    }
    // An empty variable is none: container files often pass on variables that nobody set.
    if let value = text(of: setting, in: environment), !value.isEmpty {
      return Found(origin: setting.variable, value: value)
    }
    if let file, let value = text(of: setting, in: file.provider), !value.isEmpty {
      return Found(origin: file.origin(of: setting), value: value)
    }
    return nil
  }

  private func text(of setting: Setting, in provider: some ConfigProvider) -> String? {
    // Every value can be had as a string, so that no error is left to report.
    try? provider.value(forKey: setting.key, type: .string).value?.content.asString
  }
}

extension Setting {
  /// The key of swift-configuration that stands for the variable `HALE_…`.
  fileprivate var key: AbsoluteConfigKey { AbsoluteConfigKey(["hale", name]) }
}

extension ConfigContent {
  fileprivate var asString: String? {
    if case .string(let text) = self { text } else { nil }
  }
}
