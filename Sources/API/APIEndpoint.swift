internal import Bytes
internal import ReleaseHealth
package import Locks
package import Access
package import Metrics
package import HTTP
package import Logging
internal import Storage

/// The API at `/api/0/…`: finds the route, checks the token, and runs the work.
package struct APIEndpoint {
  /// The dependencies that all routes share.
  package struct Dependencies: Sendable {
    package var catalog: CatalogCache
    package var clock: WallClock
    /// The version of the stored data, for entity tags.
    package var version: DataVersion
    /// The queues of work that may block.
    package var workers: Workers
    /// Runs work that waits for other machines on a thread of its own; false if none can start.
    package var startThread: @Sendable (@escaping @Sendable () -> Void) -> Bool
    package var metrics: Metrics
    package var log: Logger
    package var address: APIAddress

    package init(
      catalog: CatalogCache, clock: WallClock, version: DataVersion, workers: Workers,
      startThread: @escaping @Sendable (@escaping @Sendable () -> Void) -> Bool, metrics: Metrics,
      log: Logger, address: APIAddress
    ) {
      self.catalog = catalog
      self.clock = clock
      self.version = version
      self.workers = workers
      self.startThread = startThread
      self.metrics = metrics
      self.log = log
      self.address = address
    }
  }

  private let routes: [APIRoute]
  private let dependencies: Dependencies
  private let failures: AuthenticationFailures
  private let sink: any ResponseSink
  /// Distinguishes the entity tags of this process from those of earlier ones.
  private let start: String

  /// - Parameter start: a text unique to this process, for entity tags.
  package init(
    _ routes: [APIRoute], _ dependencies: Dependencies, failures: AuthenticationFailures,
    start: String, sink: any ResponseSink
  ) {
    self.routes = routes
    self.dependencies = dependencies
    self.failures = failures
    self.start = start
    self.sink = sink
  }

  /// - Parameter path: what follows `/api/0`.
  package func begin(
    _ head: RequestHead, _ path: ArraySlice<Substring>, exchange: ExchangeID,
    tenant: inout Tenant?
  ) -> RequestDisposition {
    for route in routes {
      guard let names = route.names(in: path) else { continue }
      // HEAD is answered as GET; the response writer omits the body.
      let method = head.method == .head ? .get : head.method
      guard let action = route.actions.first(where: { $0.method == method }) else {
        return .respond(.methodNotAllowed(route.allowed))
      }
      let match = Match(route: route.name, action: action, names: names)
      return begin(head, match, exchange, tenant: &tenant)
    }
    return .respond(.failure(404, "there is nothing at \(head.path)"))
  }

  /// Answers a query of the owner of the data directory, who may read every organization.
  ///
  /// - Parameter path: what follows `/api/0`.
  package func beginForOwner(
    _ head: RequestHead, _ path: ArraySlice<Substring>, exchange: ExchangeID
  ) -> RequestDisposition {
    let snapshot = dependencies.catalog.snapshot
    for route in routes {
      guard let names = route.names(in: path),
        let action = route.actions.first(where: { $0.method == .get }),
        let name = names["organization"]
      else { continue }
      guard let organization = snapshot.organization(name) else {
        return .respond(
          Response(.noOrganization(name, among: snapshot.catalog.organizations)))
      }
      let token = APIToken(
        id: 0, organization: organization.id, name: "", scope: .read, digest: [],
        created: organization.created, revoked: nil)
      let match = Match(route: route.name, action: action, names: names)
      var tenant: Tenant?
      return begin(head, match, exchange, token: token, tenant: &tenant)
    }
    return .respond(Response(.notFound))
  }

  /// What a request leads to.
  private struct Match {
    var route: String
    var action: APIRoute.Action
    var names: [Substring: String]
  }

  /// - Parameter token: nil to authenticate the request by its own token.
  private func begin(
    _ head: RequestHead, _ match: Match, _ exchange: ExchangeID, token: APIToken? = nil,
    tenant: inout Tenant?
  ) -> RequestDisposition {
    let (route, action) = (match.route, match.action)
    do throws(APIError) {
      let snapshot = dependencies.catalog.snapshot
      let address = dependencies.address
      let caller: APIToken
      if let token {
        caller = token
      } else {
        caller = try APICredentials.token(
          of: head, snapshot, for: action.scope, publicOrigin: address.publicOrigin, failures)
      }
      tenant = .token(caller.id)
      let call = APICall(
        address: address, head: head, names: match.names, token: caller, snapshot: snapshot,
        now: dependencies.clock.now)
      try call.checkPath()
      let parameters = try action.parameters.withoutEffect(try call.parameterNames, "parameter")
      if action.method == .get {
        let work = try action.prepare(call)
        note(parameters, route)
        let tag = entityTag(of: call)
        if EntityTag.isNamed(tag, in: head) {
          return .respond(Response(status: 304).markedPrivate(tag))
        }
        return query(exchange, route, call) { () throws(StoreError) in
          let response = try work().naming(withoutEffect: parameters)
          return response.status == 200 ? response.markedPrivate(tag) : response
        }
      }
      return .read(
        APIBodyReader(of: .token(caller.id)) { body in
          var call = call
          call.body = body
          do throws(APIError) {
            let ignored =
              try parameters + action.members.withoutEffect(try call.memberNames, "member")
            let work = try action.prepare(call)
            note(ignored, route)
            if action.isReading {
              return query(exchange, route, call) { () throws(StoreError) in
                try work().naming(withoutEffect: ignored)
              }
            }
            return change(exchange, route, waitsForOthers: action.waitsForOthers) {
              [version = dependencies.version] () throws(StoreError) in
              defer { version.grow() }
              return try work().naming(withoutEffect: ignored)
            }
          } catch {
            return .respond(Response(error))
          }
        })
    } catch {
      return .respond(Response(error))
    }
  }

  /// An entity tag that changes whenever the answer can, so that a poll without changes needs no
  /// query of the store. It changes each minute and right after its first instant, at which a range
  /// does not yet include it.
  private func entityTag(of call: APICall) -> String {
    let parts: [String] = [
      start, String(dependencies.version.current), String(call.snapshot.catalog.version),
      String(call.now.minute), call.now.milliseconds % 60_000 == 0 ? "0" : "1",
      String(call.token.id),
    ]
    return "\"\(parts.joined(separator: "-"))\""
  }

  /// Counts names without effect in a request that is answered.
  private func note(_ names: [String], _ route: String) {
    if !names.isEmpty { dependencies.metrics.count(names.count, withoutEffectAt: route) }
  }

  /// Ends a query whose client is gone.
  package func abandon(_ exchange: ExchangeID) {
    dependencies.workers.queries.cancel(exchange.rawValue)
  }

  private func answer(_ exchange: ExchangeID, _ route: String) -> LateAnswer {
    LateAnswer(
      exchange: exchange, route: route,
      timeoutSeconds: dependencies.workers.queries.timeoutSeconds, sink: sink,
      metrics: dependencies.metrics, log: dependencies.log, start: dependencies.metrics.seconds)
  }

  /// Runs work without effects in turn with that of other tokens.
  private func query(
    _ exchange: ExchangeID, _ route: String, _ call: APICall, _ work: @escaping APIRoute.Work
  ) -> RequestDisposition {
    let answer = answer(exchange, route)
    let submission = QueryQueue.Submission(
      id: exchange.rawValue, owner: call.token.id, kind: call.kind(of: route)
    ) { run in
      do throws(StoreError) {
        answer.respond(try CurrentQuery.bound(to: RunningQuery(run), work))
        return true
      } catch {
        return answer.fail(error)
      }
    } ended: { stop in
      answer.end(QueryStop(stop))
    }
    guard let refusal = dependencies.workers.queries.submit(submission) else { return .pending }
    let stop = QueryStop(refusal)
    dependencies.metrics.count(stop)
    return .respond(LateAnswer.response(to: stop, timeoutSeconds: answer.timeoutSeconds))
  }

  /// Makes a change on the thread of changes, or on one of its own if it waits for other machines.
  private func change(
    _ exchange: ExchangeID, _ route: String, waitsForOthers: Bool, _ work: @escaping APIRoute.Work
  ) -> RequestDisposition {
    let answer = answer(exchange, route)
    let submit =
      waitsForOthers ? dependencies.startThread : dependencies.workers.changes.submit
    let isTaken = submit {
      do throws(StoreError) {
        answer.respond(try work())
      } catch {
        _ = answer.fail(error)
      }
    }
    if isTaken { return .pending }
    return .respond(Response.failure(503, "too many changes wait").adding(["Retry-After": "1"]))
  }
}

extension Response {
  package init(_ error: APIError) {
    self = .failure(error.status, error.detail)
    if error.status == 401 || error.status == 429 { headers.add("WWW-Authenticate", "Bearer") }
    if let seconds = error.retryAfter { headers.add("Retry-After", String(seconds)) }
  }

  /// Names what the request has and what has no effect here: at most twenty names, encoded so that
  /// they may stand in a header.
  fileprivate func naming(withoutEffect names: [String]) -> Response {
    if names.isEmpty { return self }
    let shown = names.prefix(20).map {
      percentEncoded(String(decoding: $0.utf8.prefix(60), as: UTF8.self))
    }
    return adding(["Hale-Ignored": shown.joined(separator: ", ")])
  }

  /// Keeps the answer out of shared caches, and makes clients revalidate it with its tag.
  fileprivate func markedPrivate(_ tag: String) -> Response {
    adding([
      "ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie",
    ])
  }
}
