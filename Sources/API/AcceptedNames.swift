internal import Bytes

/// The names that a route takes: of the parameters of its URL, or of the members of its body.
package struct AcceptedNames: Sendable {
  /// The answer to names that are not accepted.
  private enum Others {
    case refused
    /// Let through, unless they look like a slip of the hand.
    case letThrough
    /// Left to the route, which reads the names itself.
    case leftToRoute
  }

  /// The maximum number of names in a request, Django's for the fields of a form: each is held
  /// against all that there are.
  static let givenMax = 1000

  package let names: [String]
  /// Names that clients of Sentry send and that have no effect here.
  private let idle: [String]
  private let others: Others
  /// The keys of the search in the parameter `query`, which are no parameters themselves.
  private var keys: [String] = []

  /// The names of a route of Hale's own, which refuses all others.
  package static func only(_ names: [String] = []) -> AcceptedNames {
    AcceptedNames(names: names, idle: [], others: .refused)
  }

  /// The names of a route of Sentry's, whose clients send others beside them.
  ///
  /// - Parameter keys: the keys of its search. As a parameter, `release=` would select nothing.
  package static func sentrys(
    _ names: [String] = [], idle: [String] = [], keys: [String] = []
  ) -> AcceptedNames {
    AcceptedNames(names: names, idle: idle, others: .letThrough, keys: keys)
  }

  /// The names of a route that refuses others itself.
  package static func checkedByRoute(_ names: [String], idle: [String]) -> AcceptedNames {
    AcceptedNames(names: names, idle: idle, others: .leftToRoute)
  }

  /// The parameters that select sessions.
  package static let selection = ["project", "environment"]
  /// The parameters of a page.
  package static let pages = ["per_page", "cursor"]
  /// The parameters that may be given more than once.
  private static let repeatable = selection + ["groupBy"]

  static func tooMany(_ kind: String, of place: String) -> APIError {
    .badRequest("The \(place) has more than \(givenMax) \(kind).")
  }

  /// The parameters of a route that takes none: as open as its body is.
  var none: AcceptedNames { others == .refused ? .only() : .sentrys() }

  /// The given names that have no effect, each once; throws 400 for one that may not be there.
  ///
  /// - Parameter kind: what the names are of: "parameter" or "member".
  func withoutEffect(
    _ given: some Sequence<String>, _ kind: String
  ) throws(APIError) -> [String] {
    if others == .refused { try refuseRepeated(given, kind) }
    var found: [String] = []
    var seen = Set(names)
    let known = NearNames.Plain(names)
    for name in given where seen.insert(name).inserted {
      if !idle.contains(name) {
        if others == .leftToRoute { continue }
        let isSlip =
          NearNames.isSlip(name, ofAny: known)
          || names.contains { NearNames.isBeginning(name, of: $0) }
        if others == .refused || isSlip {
          throw .badRequest(NearNames.sentence(kind, name, among: names))
        }
        if let key = keys.first(where: {
          NearNames.isSlip(name, of: $0) || $0.hasSuffix(".\(name)")
        }) {
          throw .unknown(
            "There is no \(kind) \"\(name)\"; near: \"query\", as query=\(key):VALUE", "",
            among: names)
        }
      }
      found.append(name)
    }
    return found
  }

  /// Refuses a second value of a name that takes one. On Sentry's routes the last one stands, as
  /// there.
  private func refuseRepeated(_ given: some Sequence<String>, _ kind: String) throws(APIError) {
    var once = Set<String>()
    for name in given where !Self.repeatable.contains(name) && names.contains(name) {
      guard once.insert(name).inserted else {
        throw .badRequest(
          "The \(kind) \"\(name)\" is given more than once, but it takes one value.")
      }
    }
  }
}
