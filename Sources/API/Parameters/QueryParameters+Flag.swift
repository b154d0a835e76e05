package import HTTP

extension QueryParameters {
  /// The value of a switch: `1`, `0`, `true` or `false`.
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
