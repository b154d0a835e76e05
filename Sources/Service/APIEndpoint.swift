internal import HTTP
internal import Logging
internal import ReleaseHealth
internal import Storage

/// The questions of `/api/0/…`: who asks, and what about.
struct APIEndpoint {
  private let dependencies: ServiceDependencies
  private let sink: any ResponseSink

  init(_ dependencies: ServiceDependencies, sink: any ResponseSink) {
    self.dependencies = dependencies
    self.sink = sink
  }

  func begin(
    _ head: RequestHead, _ question: Route.Question, exchange: ExchangeID
  ) -> RequestDisposition {
    guard head.method == .get || head.method == .head else {
      return .respond(.methodNotAllowed("GET, HEAD"))
    }
    do throws(APIError) {
      let snapshot = dependencies.catalog.snapshot
      let token = try token(of: head, snapshot)
      switch question {
      case .sessions(let name):
        return try sessions(head, try projects(of: name, token, snapshot), exchange)
      case .outcomes(let name):
        return try outcomes(head, try projects(of: name, token, snapshot), exchange)
      }
    } catch {
      var headers: Headers = [:]
      if error.status == 401 { headers.add("WWW-Authenticate", "Bearer") }
      return .respond(Response.failure(error.status, error.detail).adding(headers))
    }
  }

  private func sessions(
    _ head: RequestHead, _ projects: [Project], _ exchange: ExchangeID
  ) throws(APIError) -> RequestDisposition {
    var limits = SessionsLimits()
    limits.retentionDays = dependencies.retentionDays
    let request = try SessionsRequest.parse(
      queryItems(head.query), projects: projects, now: dependencies.clock.now, limits: limits)
    return answer(exchange) { [store = dependencies.store] () throws(StoreError) in
      let groups = request.matchesNothing ? [] : try store.health(request.healthQuery())
      let answer = SessionsAnswer(request, groups: groups)
      return .json(answer.json, headers: ["Link": answer.linkHeader(url: url(of: head))])
    }
  }

  private func outcomes(
    _ head: RequestHead, _ projects: [Project], _ exchange: ExchangeID
  ) throws(APIError) -> RequestDisposition {
    let request = try OutcomesRequest(
      queryItems(head.query), projects: projects, now: dependencies.clock.now)
    return answer(exchange) { [store = dependencies.store] () throws(StoreError) in
      .json(request.json(try store.outcomes(of: request.projects, hours: request.hours)))
    }
  }

  private func token(of head: RequestHead, _ snapshot: CatalogSnapshot) throws(APIError) -> APIToken
  {
    let parts = head.headers["Authorization"]?.split(separator: " ") ?? []
    guard parts.count == 2, parts[0].lowercased() == "bearer" else {
      throw APIError(status: 401, detail: "Authentication credentials were not provided.")
    }
    guard let token = snapshot.token(String(parts[1])) else {
      throw APIError(status: 401, detail: "Invalid token")
    }
    return token
  }

  private func projects(
    of name: String, _ token: APIToken, _ snapshot: CatalogSnapshot
  ) throws(APIError) -> [Project] {
    guard let organization = snapshot.organization(name) else {
      throw APIError(status: 404, detail: "The requested resource does not exist")
    }
    guard organization.id == token.organization else { throw .forbidden }
    return snapshot.projects(of: organization)
  }

  /// Has a question answered on a worker's thread.
  private func answer(
    _ exchange: ExchangeID, _ body: @escaping @Sendable () throws(StoreError) -> Response
  ) -> RequestDisposition {
    let isTaken = dependencies.workers.submit { [sink, log = dependencies.log] in
      do throws(StoreError) {
        sink.respond(try body(), to: [exchange])
      } catch {
        log.error("query failed", metadata: ["reason": "\(error.sentence)"])
        sink.respond(.failure(503, "the store cannot answer: \(error.sentence)"), to: [exchange])
      }
    }
    return isTaken
      ? .pending
      : .respond(
        Response.failure(503, "too many questions wait already").adding(["Retry-After": "1"]))
  }

  /// The request's address as the client may have written it, for links to other pages.
  private func url(of head: RequestHead) -> String {
    let origin = dependencies.publicOrigin ?? head.headers["Host"].map { "http://\($0)" } ?? ""
    return origin + head.path + (head.query.map { "?\($0)" } ?? "")
  }
}
