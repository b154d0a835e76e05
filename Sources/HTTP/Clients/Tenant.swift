/// The one whose share a request takes, of turns and of bytes.
///
/// A connection belongs to the tenant of its last accepted request. One without is a stranger's.
package struct Tenant: Hashable, Sendable {
  /// A project, or an API token. Groups take turns with one another.
  package var group: Int64
  /// The key within the group; 0 where there is one alone. Keys share the memory.
  package var key: UInt64

  private init(group: Int64, key: UInt64) {
    self.group = group
    self.key = key
  }

  /// The tenant of a DSN key of a project.
  package static func project(_ id: Int64, key: UInt64) -> Tenant {
    Tenant(group: id, key: key)
  }

  /// The tenant of an API token.
  package static func token(_ id: Int64) -> Tenant {
    Tenant(group: -1 - id, key: 0)
  }
}
