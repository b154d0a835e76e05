internal import Access
internal import Bytes
internal import API
internal import Ingest
internal import Alerting
internal import FoundationEssentials
internal import HTTP
internal import Locks
internal import ReleaseHealth
internal import Storage

/// Answers requests over the control socket, from commands of the owner of the data directory:
///
/// - `POST /control/jobs/NAME/run` runs a periodic job.
/// - `GET /control/clock` answers the service's time.
/// - `POST /control/projects/ID/envelopes/MILLISECONDS` accepts an envelope as received then.
/// - `POST /control/projects/ID/adoption/HOUR` runs the adoption job for that hour.
/// - `POST /control/channels/ID/test` sends a test notification.
/// - `GET /control/api/0/…` queries the API, without a token.
struct ControlEndpoint {
  let dependencies: ServiceDependencies
  let jobs: Jobs
  let ingest: IngestEndpoint
  let api: APIEndpoint
  let sink: any ResponseSink

  func begin(
    _ head: RequestHead, _ path: [Substring], _ exchange: ExchangeID
  ) -> RequestDisposition {
    let (method, answer): (Method, () -> RequestDisposition)
    if path.starts(with: ["control", "api", "0"]) {
      guard head.method == .get else { return .respond(.methodNotAllowed("GET")) }
      return api.beginForOwner(head, path.dropFirst(3), exchange: exchange)
    }
    switch path.count {
    case 2 where path == ["control", "clock"]:
      (method, answer) = (.get, clock)
    case 2 where path == ["control", "changes"]:
      (method, answer) = (.post, { change(exchange) })
    case 4 where path[..<2] == ["control", "jobs"] && path[3] == "run":
      (method, answer) = (.post, { run(String(path[2]), exchange) })
    case 5 where path[..<2] == ["control", "projects"] && path[3] == "envelopes":
      (method, answer) = (.post, { take(project: path[2], milliseconds: path[4], exchange) })
    case 5 where path[..<2] == ["control", "projects"] && path[3] == "adoption":
      (method, answer) = (.post, { adopt(project: path[2], hour: path[4], exchange) })
    case 4 where path[..<2] == ["control", "channels"] && path[3] == "test":
      (method, answer) = (.post, { test(channel: path[2], exchange) })
    default:
      return .respond(.failure(404, "there is nothing at \(head.path)"))
    }
    guard head.method == method else { return .respond(.methodNotAllowed(method.name)) }
    return answer()
  }

  private func clock() -> RequestDisposition {
    var json = JSONWriter()
    json.object { json in
      json.member("now", RFC3339.formatMilliseconds(dependencies.clock.now))
    }
    return .respond(.json(json.bytes))
  }

  /// Makes a change of the catalog for a command; later requests to the service see it.
  private func change(_ exchange: ExchangeID) -> RequestDisposition {
    .read(
      APIBodyReader(of: .token(0)) { body in
        let request = try? JSONDecoder().decode(CatalogChangeRequest.self, from: Data(body))
        guard let request else { return .respond(.failure(400, "not a change of the catalog")) }
        let isTaken = dependencies.workers.changes.submit { [dependencies, sink] in
          sink.respond(dependencies.answer(request), to: [exchange])
        }
        return isTaken ? .pending : .respond(.failure(503, "too many changes wait"))
      })
  }

  private func run(_ name: String, _ exchange: ExchangeID) -> RequestDisposition {
    guard let job = Jobs.Name(rawValue: name) else {
      let names = Jobs.names.joined(separator: ", ")
      return .respond(.failure(404, "there is no job '\(name)'; the jobs are: \(names)"))
    }
    jobs.start(job) { [sink] run in sink.respond(.json(run.json), to: [exchange]) }
    return .pending
  }

  private func take(
    project: Substring, milliseconds: Substring, _ exchange: ExchangeID
  ) -> RequestDisposition {
    guard let project = found(project) else { return .respond(Response(.notFound)) }
    guard let milliseconds = Int64(milliseconds) else {
      return .respond(.failure(400, "'\(milliseconds)' is not a time in milliseconds since 1970"))
    }
    return .read(
      ingest.beginForOwner(
        project: project, receivedAt: Timestamp(milliseconds: milliseconds), exchange: exchange))
  }

  private func adopt(
    project: Substring, hour: Substring, _ exchange: ExchangeID
  ) -> RequestDisposition {
    guard let project = found(project) else { return .respond(Response(.notFound)) }
    guard let hour = Int(hour), abs(hour) < 1 << 30 else {
      return .respond(.failure(400, "'\(hour)' is not a number of hours since 1970"))
    }
    dependencies.queue.writes.submit(in: .job) { [store = dependencies.store, sink] in
      do throws(StoreError) {
        try store.runAdoption(of: project, hour: hour)
        sink.respond(.json(Array("{}".utf8)), to: [exchange])
      } catch {
        sink.respond(.failure(503, error.sentence), to: [exchange])
      }
      return true
    }
    return .pending
  }

  private func test(channel: Substring, _ exchange: ExchangeID) -> RequestDisposition {
    let notices = dependencies.notices
    let isStarted = notices.startThread { [sink] in
      do throws(StoreError) {
        let found = try notices.store.channels(of: nil).first { String($0.id) == channel }
        guard let found else { return sink.respond(Response(.notFound), to: [exchange]) }
        sink.respond(
          try NoticeActions.answerToTest(of: found, by: notices), to: [exchange])
      } catch {
        sink.respond(.failure(503, error.sentence), to: [exchange])
      }
    }
    return isStarted ? .pending : .respond(.failure(503, "no thread can be started"))
  }

  /// Finds a project by its id, including one that a command has just created.
  private func found(_ text: Substring) -> ProjectID? {
    guard let number = Int64(text) else { return nil }
    let project = ProjectID(rawValue: number)
    if dependencies.catalog.snapshot.project(project) == nil { try? dependencies.catalog.refresh() }
    return dependencies.catalog.snapshot.project(project)?.id
  }
}

extension ServiceDependencies {
  /// Makes a change that a command has sent. Blocks.
  fileprivate func answer(_ request: CatalogChangeRequest) -> Response {
    var answer: CatalogChangeAnswer
    do throws(StoreError) {
      let time = Timestamp(milliseconds: request.milliseconds)
      let id = try catalog.change { (store) throws(StoreError) in
        try request.change.make(store, records, records, at: time)
      }
      answer = CatalogChangeAnswer(id: id)
    } catch {
      answer = CatalogChangeAnswer(failure: error.sentence)
    }
    queue.version.grow()
    notices.wake()
    return .json((try? JSONEncoder().encode(answer)).map { [UInt8]($0) } ?? [])
  }
}
