package import Access
internal import HTTP
package import ReleaseHealth
internal import Storage

/// Takes envelopes without a request, for commands that work on a directory which no service has.
package struct EnvelopeReplay {
  private let snapshot: CatalogSnapshot
  private let queue: IngestQueue

  /// - Parameter queue: whoever runs it stores what was taken.
  package init(_ snapshot: CatalogSnapshot, into queue: IngestQueue) {
    self.snapshot = snapshot
    self.queue = queue
  }

  /// - Returns: false when there is no room; after the queue was run there is.
  package func take(_ envelope: [UInt8], for project: ProjectID, at time: Timestamp) -> Bool {
    var content = EnvelopeContent(
      receivedAt: time, access: IngestAccess(command: project), project: project,
      snapshot: snapshot, origin: nil, memory: HeldMemory())
    do throws(IngestRefusal) {
      try content.take(envelope.span)
      try content.finish()
    } catch {
      preconditionFailure("What this program writes it can read.")
    }
    return queue.submit(content.submission, ticket: nil)
  }
}
