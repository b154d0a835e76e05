package import HTTP
package import Storage

/// Answers the requests whose updates are stored, or could not be.
package enum CommitAnswers {
  package static func answer(
    _ tickets: [Ticket], _ failure: StoreError?, through sink: any ResponseSink
  ) {
    if let failure {
      // SDKs do not retry, but proxies and replays may: `Retry-After` says when.
      let response = Response.failure(
        503, "failed to store the envelope: \(failure.publicSentence)"
      ).openToAllOrigins.adding(["Retry-After": "30"])
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
  /// The response 200. It is never compressed: an SDK (Unity) mishandles a small compressed body.
  static func accepted(eventID: String?) -> Response {
    let body = eventID.map { "{\"id\":\"\($0)\"}" } ?? "{}"
    return .json(Array(body.utf8), headers: CrossOrigin.headers)
  }
}
