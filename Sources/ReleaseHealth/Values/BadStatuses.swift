/// What makes a session bad: the setting of a project that gates, objectives and verdicts decide
/// by. The raw values are stored, and the names in the API and on the command line.
package enum BadStatuses: String, CaseIterable, Codable, Sendable {
  case crashed
  /// Where an unhandled error ends no process, SDKs report it as unhandled and crashes never occur:
  /// crash-free rates alone stay near 100 % whatever happens.
  case crashedAndUnhandled = "crashed+unhandled"

  /// The accepted names, as the end of the sentence “it takes …”.
  package static let rule = "crashed or crashed+unhandled"

  /// Reads a name. The statuses may stand in any order and with a `+`, a comma or a space between
  /// them, since a `+` in a URL is a space.
  package init?(name: String) {
    let parts = name.lowercased().split { "+, ".contains($0) }.map(String.init)
    let found = Self.allCases.first {
      $0.rawValue.split(separator: "+").map(String.init) == parts.sorted()
    }
    guard let found else { return nil }
    self = found
  }

  /// The default of projects of a platform, by Sentry's name; nil for a project without one.
  ///
  /// It is the second for platforms of browsers, whose SDK sends `unhandled` in place of `crashed`
  /// from version 11 on. Those of applications in a web view, and Electron, end with the process of
  /// a native SDK, which sends crashes.
  package static func usual(onPlatform platform: String?) -> BadStatuses {
    let name = platform?.lowercased() ?? ""
    let isBrowser = name == "javascript" || name.hasPrefix("javascript-")
    return isBrowser && !nativeJavaScript.contains(name) ? .crashedAndUnhandled : .crashed
  }

  private static let nativeJavaScript: Set = [
    "javascript-capacitor", "javascript-cordova", "javascript-electron", "javascript-react-native",
  ]

  /// What holds for several projects together: the wider one, so that nothing that is bad in one
  /// of them is overlooked.
  package static func widest(_ all: some Sequence<BadStatuses>) -> BadStatuses {
    all.contains(.crashedAndUnhandled) ? .crashedAndUnhandled : .crashed
  }

  /// What a session without a bad status is called: the word before “sessions” and “users”.
  package var freeWord: String {
    switch self {
    case .crashed: "crash-free"
    case .crashedAndUnhandled: "failure-free"
    }
  }

  /// The statuses in words.
  package var words: String {
    switch self {
    case .crashed: "crashed"
    case .crashedAndUnhandled: "crashed or unhandled"
    }
  }
}

extension SessionCounts {
  package func bad(_ statuses: BadStatuses) -> Int64 {
    switch statuses {
    case .crashed: crashed
    case .crashedAndUnhandled: crashed + unhandled
    }
  }
}

extension UserCounts {
  /// The users with at least one bad session, however their other sessions ended.
  package func bad(_ statuses: BadStatuses) -> Int64 {
    switch statuses {
    case .crashed: byWorst.crashed
    case .crashedAndUnhandled: withFailure
    }
  }
}
