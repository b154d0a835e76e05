package import ReleaseHealth

/// The environments that a query selects.
package struct EnvironmentSelection: Equatable, Sendable {
  /// nil for all; the empty one for sessions without any.
  private let names: Set<Name>?

  /// - Parameter names: none select all; the empty one, sessions without any.
  package init(_ names: [String] = []) {
    self.names = names.isEmpty ? nil : Set(names.map { Name($0) })
  }

  /// The names that are selected, ascending; none for all.
  package var given: [Name] { names?.sorted() ?? [] }

  package var isAll: Bool { names == nil }

  /// The query selects one environment alone.
  package var isSingle: Bool { names?.count == 1 }

  package func includes(_ environment: String?) -> Bool {
    names?.contains(Name(environment ?? "")) ?? true
  }
}
