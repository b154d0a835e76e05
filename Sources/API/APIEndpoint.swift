package import Locks
package import Access
package import Metrics
package import HTTP
package import Logging
internal import ReleaseHealth
internal import Storage

/// The API at `/api/0/…`: finds the route, checks who asks, and has the work done.
package struct APIEndpoint {
  /// What answering takes, whatever the route.
  package struct Dependencies: Sendable {
    package var catalog: CatalogCache
    package var clock: WallClock
    /// Of what is stored.
    package var version: DataVersion
    /// For queries: work that may block.
    package var workers: WorkQueue
    /// Runs work that waits for other machines on a thread of its own; false where there is none.
    package var startThread: @Sendable (@escaping @Sendable () -> Void) -> Bool
    package var metrics: Metrics
    package var log: Logger
    package var address: APIAddress

    package init(
      catalog: CatalogCache, clock: WallClock, version: DataVersion, workers: WorkQueue,
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
  private let sink: any ResponseSink
  /// Sets the entity tags of this process apart from those of the one before.
  private let start: String

  /// - Parameter start: a text that no other process has.
  package init(
    _ routes: [APIRoute], _ dependencies: Dependencies, start: String, sink: any ResponseSink
  ) {
    self.routes = routes
    self.dependencies = dependencies
    self.start = start
    self.sink = sink
  }

  /// - Parameter path: what follows `/api/0`.
  package func begin(
    _ head: RequestHead, _ path: ArraySlice<Substring>, exchange: ExchangeID
  ) -> RequestDisposition {
    for route in routes {
      guard let names = route.names(in: path) else { continue }
      // HEAD is answered as GET; the writer leaves the body out.
      let method = head.method == .head ? .get : head.method
      guard let action = route.actions.first(where: { $0.method == method }) else {
        return .respond(.methodNotAllowed(route.allowed))
      }
      return begin(head, route.name, action, names, exchange)
    }
    return .respond(.failure(404, "there is nothing at \(head.path)"))
  }

  /// A question of whoever owns the data directory, who may ask about every organization.
  ///
  /// - Parameter path: what follows `/api/0`.
  package func beginForOwner(
    _ head: RequestHead, _ path: ArraySlice<Substring>, exchange: ExchangeID
  ) -> RequestDisposition {
    let snapshot = dependencies.catalog.snapshot
    for route in routes {
      guard let names = route.names(in: path),
        let action = route.actions.first(where: { $0.method == .get }),
        let organization = snapshot.organization(names["organization"] ?? "")
      else { continue }
      let token = APIToken(
        id: 0, organization: organization.id, name: "", scope: .read, digest: [],
        created: organization.created, revoked: nil)
      return begin(head, route.name, action, names, exchange, token: token)
    }
    return .respond(Response(.notFound))
  }

  /// - Parameter token: nil for the one that the request has to bring.
  private func begin(
    _ head: RequestHead, _ route: String, _ action: APIRoute.Action,
    _ names: [Substring: String], _ exchange: ExchangeID, token: APIToken? = nil
  ) -> RequestDisposition {
    do throws(APIError) {
      let snapshot = dependencies.catalog.snapshot
      let asking: APIToken
      if let token {
        asking = token
      } else {
        asking = try APICredentials.token(
          of: head, snapshot, for: action.scope, publicOrigin: dependencies.address.publicOrigin)
      }
      let call = APICall(
        address: dependencies.address, head: head, names: names, token: asking, snapshot: snapshot,
        now: dependencies.clock.now)
      if action.method == .get {
        let work = try action.prepare(call)
        let tag = entityTag(of: call)
        if EntityTag.isNamed(tag, in: head) {
          return .respond(Response(status: 304).markedPrivate(tag))
        }
        return answer(exchange, route) { () throws(StoreError) in
          let response = try work()
          return response.status == 200 ? response.markedPrivate(tag) : response
        }
      }
      return .read(
        APIBodyReader { body in
          var call = call
          call.body = body
          do throws(APIError) {
            let work = try action.prepare(call)
            return answer(exchange, route, waitsForOthers: action.waitsForOthers) {
              [version = dependencies.version] () throws(StoreError) in
              defer { version.grow() }
              return try work()
            }
          } catch {
            return .respond(Response(error))
          }
        })
    } catch {
      return .respond(Response(error))
    }
  }

  /// Changes whenever the answer can: it tells a poll that nothing did without a question to the
  /// store. Ranges end with the running minute.
  private func entityTag(of call: APICall) -> String {
    let parts: [String] = [
      start, String(dependencies.version.current), String(call.snapshot.catalog.version),
      String(call.now.minute), String(call.token.id),
    ]
    return "\"\(parts.joined(separator: "-"))\""
  }

  /// Has the work done on a worker's thread, or on one of its own.
  private func answer(
    _ exchange: ExchangeID, _ route: String, waitsForOthers: Bool = false,
    _ work: @escaping APIRoute.Work
  ) -> RequestDisposition {
    let (metrics, log) = (dependencies.metrics, dependencies.log)
    // From here on, so that waiting for a reader counts.
    let start = metrics.seconds
    let submit = waitsForOthers ? dependencies.startThread : dependencies.workers.submit
    let isTaken = submit { [sink] in
      var isFailure = false
      defer { metrics.noteQuery(route, seconds: metrics.seconds - start, isFailure: isFailure) }
      do throws(StoreError) {
        sink.respond(try work(), to: [exchange])
      } catch {
        if error.isRefusal {
          sink.respond(.failure(400, error.sentence), to: [exchange])
          return
        }
        isFailure = true
        log.error("query failed", metadata: ["reason": "\(error.sentence)"])
        sink.respond(.failure(503, "the store cannot answer: \(error.sentence)"), to: [exchange])
      }
    }
    return isTaken
      ? .pending
      : .respond(
        Response.failure(503, "too many questions wait already").adding(["Retry-After": "1"]))
  }
}

extension Response {
  package init(_ error: APIError) {
    self = .failure(error.status, error.detail)
    if error.status == 401 { headers.add("WWW-Authenticate", "Bearer") }
  }
}

extension Response {
  /// It is for whoever asked alone, and is to be asked for again each time, with its tag.
  fileprivate func markedPrivate(_ tag: String) -> Response {
    adding([
      "ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie",
    ])
  }
}
