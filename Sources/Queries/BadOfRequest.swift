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

extension [Project] {
  /// Those that have one of some releases: they say what makes a session of these bad.
  func having(_ releases: [ReleaseRecord?]) -> [Project] {
    let concerned = Set(releases.compactMap(\.self).flatMap(\.projects))
    return filter { concerned.contains($0.id) }
  }
}
