internal import HTTP
internal import Logging
internal import ReleaseHealth
internal import Storage

/// The API at `/api/0/…`: finds the route, checks who asks, and has the work done.
struct APIEndpoint {
  private let dependencies: ServiceDependencies
  private let sink: any ResponseSink

  init(_ dependencies: ServiceDependencies, sink: any ResponseSink) {
    self.dependencies = dependencies
    self.sink = sink
  }

  /// - Parameter path: what follows `/api/0`.
  func begin(
    _ head: RequestHead, _ path: ArraySlice<Substring>, exchange: ExchangeID
  ) -> RequestDisposition {
    for route in APIRoute.all {
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

  private func begin(
    _ head: RequestHead, _ route: String, _ action: APIRoute.Action,
    _ names: [Substring: String], _ exchange: ExchangeID
  ) -> RequestDisposition {
    do throws(APIError) {
      let snapshot = dependencies.catalog.snapshot
      let call = APICall(
        dependencies: dependencies, head: head, names: names,
        token: try token(of: head, snapshot, for: action.scope), snapshot: snapshot,
        now: dependencies.clock.now)
      if action.method == .get { return answer(exchange, route, try action.prepare(call)) }
      return .read(
        APIBodyReader { body in
          var call = call
          call.body = body
          do throws(APIError) {
            return answer(exchange, route, try action.prepare(call))
          } catch {
            return .respond(Response(error))
          }
        })
    } catch {
      return .respond(Response(error))
    }
  }

  private func token(
    of head: RequestHead, _ snapshot: CatalogSnapshot, for scope: TokenScope
  ) throws(APIError) -> APIToken {
    let parts = head.headers["Authorization"]?.split(separator: " ") ?? []
    guard parts.count == 2, parts[0].lowercased() == "bearer" else {
      throw APIError(status: 401, detail: "Authentication credentials were not provided.")
    }
    guard let token = snapshot.token(String(parts[1])) else {
      throw APIError(status: 401, detail: "Invalid token")
    }
    guard scope == .read || token.scope == .admin else { throw .forbidden }
    return token
  }

  /// Has the work done on a worker's thread.
  private func answer(
    _ exchange: ExchangeID, _ route: String, _ work: @escaping APIRoute.Work
  ) -> RequestDisposition {
    let (metrics, log) = (dependencies.metrics, dependencies.log)
    // From here on, so that waiting for a reader counts.
    let start = metrics.seconds
    let isTaken = dependencies.workers.submit { [sink] in
      var isFailure = false
      defer { metrics.noteQuery(route, seconds: metrics.seconds - start, isFailure: isFailure) }
      do throws(StoreError) {
        sink.respond(try work(), to: [exchange])
      } catch {
        if case .refused(let sentence) = error {
          sink.respond(.failure(400, sentence), to: [exchange])
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
  init(_ error: APIError) {
    self = .failure(error.status, error.detail)
    if error.status == 401 { headers.add("WWW-Authenticate", "Bearer") }
  }
}

/// Gathers the small body of a change.
private final class APIBodyReader: BodyReader {
  private var body: [UInt8] = []
  private let complete: ([UInt8]) -> RequestDisposition

  private static let bytesMax = 1 << 20

  init(_ complete: @escaping ([UInt8]) -> RequestDisposition) {
    self.complete = complete
  }

  func read(_ bytes: Span<UInt8>) -> BodyProgress {
    if body.count + bytes.count > Self.bytesMax {
      return .respond(.failure(413, "the body is longer than \(Self.bytesMax) bytes"))
    }
    for index in bytes.indices { body.append(bytes[index]) }
    return .more(consumed: bytes.count)
  }

  func end() -> BodyProgress {
    switch complete(body) {
    case .respond(let response): .respond(response)
    case .pending, .read: .pending
    }
  }
}
