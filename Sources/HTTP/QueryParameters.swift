/// The decoded parameters of a request's URL.
package struct QueryParameters: Sendable {
  fileprivate let items: [(name: String, value: String)]

  package init(_ items: [(name: String, value: String)]) {
    self.items = items
  }

  /// Every value of a parameter that may be repeated, in the request's order.
  package func all(_ name: String) -> [String] {
    items.compactMap { $0.name == name ? $0.value : nil }
  }

  /// The value of a parameter that counts once. Of several the last one stands, as in Django; an
  /// empty one is as good as none, since forms and templates send what was left blank.
  package func one(_ name: String) -> String? {
    items.last { $0.name == name && !$0.value.isEmpty }?.value
  }

  /// The parameters but for those of a name.
  package func without(_ name: String) -> QueryParameters {
    QueryParameters(items.filter { $0.name != name })
  }
}
