internal import FoundationEssentials
internal import HTTP

/// Reads the one event of `/store/`, of which nothing is kept but its id for the answer.
final class EventIntake: BodyReader {
  private let dependencies: ServiceDependencies
  private var source: BodySource
  private var event: [UInt8] = []

  /// Sentry's limit for an event.
  private static let eventBytesMax = 1 << 20

  init(_ dependencies: ServiceDependencies, source: consuming BodySource) {
    self.dependencies = dependencies
    self.source = source
  }

  var isCostly: Bool { source.isCostly }

  func read(_ bytes: Span<UInt8>) -> BodyProgress {
    do throws(IngestRefusal) {
      return try source.read(bytes) { (slice) throws(IngestRefusal) in
        if event.count + slice.count > Self.eventBytesMax {
          throw IngestRefusal(413, "envelope exceeded size limits for type 'event'")
        }
        for index in slice.indices { event.append(slice[index]) }
      }
    } catch {
      return .respond(error.response)
    }
  }

  func end() -> BodyProgress {
    do throws(IngestRefusal) {
      guard source.hasBytes else { throw .emptyBody }
      try source.finish()
      return .respond(.accepted(eventID: try eventID() ?? EventID.text(dependencies.random())))
    } catch {
      return .respond(error.response)
    }
  }

  /// The event's own id. Old clients send base64 of compressed JSON, which does not begin with a
  /// brace; it is not looked into.
  private func eventID() throws(IngestRefusal) -> String? {
    struct Event: Decodable {
      var id: String?

      enum CodingKeys: String, CodingKey {
        case id = "event_id"
      }
    }
    let text = event.drop { $0 == 0x20 || (0x09...0x0d).contains($0) }
    guard text.first == UInt8(ascii: "{") else { return nil }
    do {
      let id = try JSONDecoder().decode(Event.self, from: Data(text)).id
      return id?.lowercased().filter { $0 != "-" }
    } catch {
      throw IngestRefusal(400, "invalid JSON data")
    }
  }
}
