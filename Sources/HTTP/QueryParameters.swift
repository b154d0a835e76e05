/// The decoded parameters of a request's URL.
package struct QueryParameters: Sendable {
  fileprivate let items: [(name: String, value: String)]

  package init(_ items: [(name: String, value: String)]) {
    self.items = items
  }

  /// The values of a parameter that may be repeated, in the order of the request.
  package func all(_ name: String) -> [String] {
    items.compactMap { $0.name == name ? $0.value : nil }
  }

  /// The single value of a parameter: the last one if there are several, as in Django. An empty
  /// value counts as none, since forms and templates send blank fields.
  package func one(_ name: String) -> String? {
    items.last { $0.name == name && !$0.value.isEmpty }?.value
  }
}
