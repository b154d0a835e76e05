internal import Access
internal import Bytes
internal import Compression
internal import FoundationEssentials
internal import HTTP
internal import ReleaseHealth
internal import Storage

/// Reads the event of a request to `/store/`. Only its outcome is counted, and its id is in the
/// answer.
final class EventPipeline: BodyReader {
  private let dependencies: IngestEndpoint.Dependencies
  private var source: BodySource
  private var event: [UInt8] = []
  private let access: IngestAccess
  /// The item; nil until the event was read.
  private var skipped: SkippedItem?

  init(
    _ dependencies: IngestEndpoint.Dependencies, source: consuming BodySource,
    _ access: IngestAccess
  ) {
    self.dependencies = dependencies
    self.source = source
    self.access = access
  }

  var isCostly: Bool { source.isCostly }
  var heldBytes: Int { source.heldBytes + event.capacity }

  func bytesNeeded(for bytes: Span<UInt8>) -> Int {
    // An array doubles its room.
    source.bytesNeeded(for: bytes) + event.capacity + bytes.count
  }

  var tenant: Tenant? { access.tenant }

  func read(_ bytes: Span<UInt8>) -> BodyProgress {
    do throws(IngestRefusal) {
      return try source.read(bytes) { (slice) throws(IngestRefusal) in
        if event.count + slice.count > StoredEvent.bytesMax {
          throw IngestRefusal(413, "envelope exceeded size limits for type 'event'")
        }
        for index in slice.indices { event.append(slice[index]) }
      }
    } catch {
      return .respond(dependencies.answer(error))
    }
  }

  func end() -> BodyProgress {
    do throws(IngestRefusal) {
      if let skipped { return skipped.end() }
      try source.finish()
      guard source.hasBytes else { throw .emptyBody }
      let answer = Response.accepted(
        eventID: try StoredEvent(event).id ?? Hexadecimal.text(dependencies.random()))
      let skipped = SkippedItem(dependencies, project: access.project, answer: answer)
      self.skipped = skipped
      event = []
      return skipped.end()
    } catch {
      return .respond(dependencies.answer(error))
    }
  }
}

/// Counts an item of which only the outcome is kept, and answers once the queue has room.
final class SkippedItem: BodyReader {
  private let queue: IngestQueue
  private var submission: Submission
  private let answer: Response

  init(_ dependencies: IngestEndpoint.Dependencies, project: ProjectID, answer: Response) {
    queue = dependencies.queue
    submission = Submission(receivedAt: dependencies.clock.now, project: project)
    submission.count(.skipped)
    self.answer = answer
  }

  func read(_ bytes: Span<UInt8>) -> BodyProgress { .more(consumed: bytes.count) }

  func end() -> BodyProgress {
    queue.submit(submission, ticket: nil) ? .respond(answer) : .blocked
  }
}

/// The part of an event that is read: JSON, or from old clients base64 of zlib of JSON.
struct StoredEvent: Decodable {
  /// The id with 32 hexadecimal digits; nil where the event has none.
  let id: String?

  /// Sentry's size limit of an event.
  static let bytesMax = 1 << 20

  private enum CodingKeys: String, CodingKey {
    case id = "event_id"
  }

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    // An id that is not a UUID is ignored: the event then gets a new one.
    id = (try? values.decode(String.self, forKey: .id)).flatMap { Hexadecimal.number($0.utf8.span) }
      .map { Hexadecimal.text($0) }
  }

  init(_ bytes: [UInt8]) throws(IngestRefusal) {
    let text = bytes.drop { $0 == 0x20 || (0x09...0x0d).contains($0) }
    let json = text.first == UInt8(ascii: "{") ? Array(text) : try Self.unpacked(text)
    do {
      self = try JSONDecoder().decode(StoredEvent.self, from: Data(json))
    } catch {
      throw Self.invalid
    }
  }

  private static let invalid = IngestRefusal(400, "invalid JSON data")

  private static func unpacked(_ text: ArraySlice<UInt8>) throws(IngestRefusal) -> [UInt8] {
    guard let packed = Data(base64Encoded: Data(text), options: .ignoreUnknownCharacters),
      !packed.isEmpty
    else { throw invalid }
    let decoder = ContentDecoder(.deflate, outputBytesMax: bytesMax)
    var json = [UInt8](repeating: 0, count: bytesMax)
    do throws(ContentDecodingError) {
      var output = json.mutableSpan
      let produced = try decoder.decode(Array(packed).span, into: &output).produced
      try decoder.finish()
      json.removeSubrange(produced...)
    } catch {
      throw invalid
    }
    return json
  }
}
