internal import Bytes
package import ReleaseHealth

/// Writes envelopes as SDKs do; ``EnvelopeReader`` and ``SessionPayload`` read them.
package struct EnvelopeWriter: Sendable {
  /// The envelope so far.
  package private(set) var bytes: [UInt8]
  /// The number of items; SDKs send at most ``EnvelopeLimits/sessionItemsMax`` in an envelope.
  package private(set) var itemCount = 0

  /// - Parameters:
  ///   - sentAt: the sending time, by the clock of the sessions' times.
  ///   - sdk: the name of the client.
  package init(sentAt: Timestamp, sdk: String) {
    bytes = []
    write("{\"sent_at\":\"")
    write(RFC3339.formatMilliseconds(sentAt))
    write("\",\"sdk\":{\"name\":")
    quote(sdk)
    write("}}\n")
  }

  /// Adds a `session` item.
  package mutating func add(_ update: SessionUpdate) {
    write("{\"type\":\"session\"}\n{")
    if let id = update.sessionID {
      write("\"sid\":\"")
      write(Hexadecimal.text(id.value))
      write("\",")
    }
    if let name = update.distinctID {
      write("\"did\":")
      quote(name)
      write(",")
    }
    if update.isInitial { write("\"init\":true,") }
    write("\"started\":\"")
    write(RFC3339.formatMilliseconds(update.started))
    write("\",\"status\":\"")
    write(update.status.name)
    write("\",\"errors\":")
    write(String(update.errors))
    if let timestamp = update.timestamp {
      write(",\"timestamp\":\"")
      write(RFC3339.formatMilliseconds(timestamp))
      write("\"")
    }
    if let milliseconds = update.durationMilliseconds {
      write(",\"duration\":")
      write((Double(milliseconds) / 1000).description)
    }
    switch update.mechanism {
    case .none: break
    case .background: write(",\"abnormal_mechanism\":\"anr_background\"")
    case .foreground: write(",\"abnormal_mechanism\":\"anr_foreground\"")
    }
    writeAttributes(release: update.release, environment: update.environment)
  }

  /// Adds a `sessions` item. The wire format does not distinguish unhandled errors in buckets.
  package mutating func add(_ aggregates: SessionAggregates) {
    write("{\"type\":\"sessions\"}\n{\"aggregates\":[")
    for (index, bucket) in aggregates.buckets.enumerated() {
      write(index == 0 ? "{" : ",{")
      write("\"started\":\"")
      write(RFC3339.formatMilliseconds(bucket.started))
      write("\"")
      if let name = bucket.distinctID {
        write(",\"did\":")
        quote(name)
      }
      let counts = bucket.counts
      write(",\"exited\":\(counts.healthy),\"errored\":\(counts.errored + counts.unhandled)")
      write(",\"abnormal\":\(counts.abnormal),\"crashed\":\(counts.crashed)}")
    }
    write("]")
    writeAttributes(release: aggregates.release, environment: aggregates.environment)
  }

  /// Ends an item.
  private mutating func writeAttributes(release: String, environment: String?) {
    write(",\"attrs\":{\"release\":")
    quote(release)
    if let environment {
      write(",\"environment\":")
      quote(environment)
    }
    write("}}\n")
    itemCount += 1
  }

  private mutating func write(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func quote(_ text: String) {
    bytes.append(contentsOf: JSONWriter.quoted(text))
  }
}
