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

  /// A switch that is `1`, `0`, `true` or `false`.
  package func flag(_ name: String, default fallback: Bool) throws(APIError) -> Bool {
    switch one(name)?.lowercased() {
    case nil: return fallback
    case "1", "true": return true
    case "0", "false": return false
    case .some(let value):
      throw .invalid(name, value, accepted: "Give 1, 0, true or false.")
    }
  }
}

extension QueryParameters {
  /// The parameters but for those of a name.
  package func without(_ name: String) -> QueryParameters {
    QueryParameters(items.filter { $0.name != name })
  }
}
