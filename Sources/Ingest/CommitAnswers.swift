package import HTTP
package import Storage

/// Tells SDKs that their updates are stored, or could not be.
package enum CommitAnswers {
  package static func answer(
    _ tickets: [Ticket], _ failure: StoreError?, through sink: any ResponseSink
  ) {
    if let failure {
      // SDKs do not send again, but proxies and replays may: they are told when.
      let response = Response.failure(503, "failed to store the envelope: \(failure.sentence)")
        .openToAllOrigins.adding(["Retry-After": "30"])
      sink.respond(response, to: tickets.map(\.exchange))
      return
    }
    let withoutEvent = tickets.filter { $0.eventID == nil }
    if !withoutEvent.isEmpty {
      sink.respond(.accepted(eventID: nil), to: withoutEvent.map(\.exchange))
    }
    for ticket in tickets where ticket.eventID != nil {
      sink.respond(.accepted(eventID: ticket.eventID), to: [ticket.exchange])
    }
  }
}

extension Response {
  /// 200 for an SDK. Never compressed: an SDK (Unity) mishandles a compressed small answer.
  static func accepted(eventID: String?) -> Response {
    let body = eventID.map { "{\"id\":\"\($0)\"}" } ?? "{}"
    return .json(Array(body.utf8), headers: CrossOrigin.headers)
  }
}
