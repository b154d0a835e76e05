/// The number of a project, as in the path of a DSN.
package struct ProjectID: RawRepresentable, Codable, Hashable, Comparable, Sendable {
  package var rawValue: Int64

  package init(rawValue: Int64) {
    self.rawValue = rawValue
  }

  package static func < (left: ProjectID, right: ProjectID) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// The number of an organization.
package struct OrganizationID: RawRepresentable, Codable, Hashable, Sendable {
  package var rawValue: Int64

  package init(rawValue: Int64) {
    self.rawValue = rawValue
  }
}

/// The id of a session: 128 bits from the SDK.
///
/// It need not be a UUID of RFC 4122: sentry-native sends random variant bits.
package struct SessionID: Hashable, Sendable {
  package var value: UInt128

  package init(value: UInt128) {
    self.value = value
  }
}

/// The stored form of a user: 128 bits of a keyed hash of the `did` that an SDK sent.
package struct UserHash: Hashable, Sendable {
  package var value: UInt128

  package init(value: UInt128) {
    self.value = value
  }
}

/// The number that a store assigned to a ``UserHash``.
package struct UserID: RawRepresentable, Hashable, Comparable, Sendable {
  package var rawValue: UInt32

  package init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  package static func < (left: UserID, right: UserID) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// The series key: the project, release and environment under which a session counts.
package struct SeriesKey: Hashable, Sendable {
  package var project: ProjectID
  /// The release as the SDK sent it, for example `shop@2.1.0+17`.
  package var release: String
  /// The environment; nil if the SDK sent none or an invalid one.
  package var environment: String?

  package init(project: ProjectID, release: String, environment: String?) {
    self.project = project
    self.release = release
    self.environment = environment
  }

  package static func == (left: SeriesKey, right: SeriesKey) -> Bool {
    left.project == right.project && Name(left.release) == Name(right.release)
      && left.environment.map { Name($0) } == right.environment.map { Name($0) }
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(project)
    hasher.combine(Name(release))
    hasher.combine(environment.map { Name($0) })
  }
}
