internal import API
internal import HTTP
internal import ReleaseHealth
internal import Storage

extension QueryParameters {
  /// What makes a session bad by the parameter `bad`; nil without one.
  func bad() throws(APIError) -> BadStatuses? {
    let text = all("bad").filter { !$0.isEmpty }.joined(separator: "+")
    if text.isEmpty { return nil }
    guard let bad = BadStatuses(name: text) else {
      throw .invalid("bad", text, accepted: "Give \(BadStatuses.rule).")
    }
    return bad
  }
}

extension BadStatuses {
  /// What makes a session of some releases bad: what those of the selected projects say that have
  /// one of them, and the wider of two that differ.
  static func of(_ projects: [Project], _ releases: [ReleaseRecord?]) -> BadStatuses {
    let concerned = Set(releases.compactMap(\.self).flatMap(\.projects))
    return widest(projects.filter { concerned.contains($0.id) }.map(\.bad))
  }
}
