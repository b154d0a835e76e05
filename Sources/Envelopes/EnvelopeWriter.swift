internal import Bytes
package import ReleaseHealth

/// Writes envelopes as SDKs do; ``EnvelopeReader`` and ``SessionPayload`` read them.
package struct EnvelopeWriter: Sendable {
  /// The envelope so far.
  package private(set) var bytes: [UInt8]
  /// The number of items; SDKs send at most ``EnvelopeLimits/sessionItemsMax`` in an envelope.
  package private(set) var itemCount = 0

  /// - Parameter sentAt: the sending time, by the clock of the sessions' times.
  package init(sentAt: Timestamp, sdk: String) {
    bytes = []
    writeLine { json in
      json.member("sent_at", RFC3339.formatMilliseconds(sentAt))
      json.object("sdk") { $0.member("name", sdk) }
    }
  }

  /// Adds a `session` item.
  package mutating func add(_ update: SessionUpdate) {
    writeItem(.session, release: update.release, environment: update.environment) { json in
      if let id = update.sessionID { json.member("sid", Hexadecimal.text(id.value)) }
      if let name = update.distinctID { json.member("did", name) }
      if update.isInitial { json.member("init", true) }
      json.member("started", RFC3339.formatMilliseconds(update.started))
      json.member("status", update.status.name)
      json.member("errors", update.errors)
      if let timestamp = update.timestamp {
        json.member("timestamp", RFC3339.formatMilliseconds(timestamp))
      }
      if let milliseconds = update.durationMilliseconds {
        json.member("duration", Double(milliseconds) / 1000)
      }
      switch update.mechanism {
      case .none: break
      case .background: json.member("abnormal_mechanism", "anr_background")
      case .foreground: json.member("abnormal_mechanism", "anr_foreground")
      }
    }
  }

  /// Adds a `sessions` item. The wire format does not distinguish unhandled errors in buckets.
  package mutating func add(_ aggregates: SessionAggregates) {
    let (release, environment) = (aggregates.release, aggregates.environment)
    writeItem(.sessions, release: release, environment: environment) { json in
      json.array("aggregates") { json in
        for bucket in aggregates.buckets {
          json.object { json in
            json.member("started", RFC3339.formatMilliseconds(bucket.started))
            if let name = bucket.distinctID { json.member("did", name) }
            json.member("exited", bucket.counts.healthy)
            json.member("errored", bucket.counts.errored + bucket.counts.unhandled)
            json.member("abnormal", bucket.counts.abnormal)
            json.member("crashed", bucket.counts.crashed)
          }
        }
      }
    }
  }

  private mutating func writeItem(
    _ type: ItemType, release: String, environment: String?,
    _ members: (inout JSONWriter) -> Void
  ) {
    writeLine { $0.member("type", type.rawValue) }
    writeLine { json in
      members(&json)
      json.object("attrs") { json in
        json.member("release", release)
        if let environment { json.member("environment", environment) }
      }
    }
    itemCount += 1
  }

  /// Writes an object as a line.
  private mutating func writeLine(_ members: (inout JSONWriter) -> Void) {
    bytes += JSONWriter.object(members) + [UInt8(ascii: "\n")]
  }
}
