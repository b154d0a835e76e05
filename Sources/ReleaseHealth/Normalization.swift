/// Corrects and checks what SDKs send, in Relay's order: clock drift, the order of the two times,
/// age, release, environment (`relay-server/src/processing/sessions/process.rs`).
package struct Normalization: Sendable {
  /// When the envelope arrived, by the service's clock.
  package let receivedAt: Timestamp
  /// What is added to the times of the envelope's items; zero below the threshold.
  package let driftMilliseconds: Int64

  /// - Parameter sentAt: the envelope's `sent_at`, by the device's clock.
  package init(receivedAt: Timestamp, sentAt: Timestamp?) {
    self.receivedAt = receivedAt
    let drift = sentAt.map { receivedAt.milliseconds - $0.milliseconds } ?? 0
    // The threshold is compared in whole seconds.
    self.driftMilliseconds = abs(drift) / 1000 >= DomainLimits.driftSecondsMin ? drift : 0
  }

  /// The corrected start of an item or bucket.
  ///
  /// - Parameters:
  ///   - started: as the SDK sent it.
  ///   - timestamp: of the update, as the SDK sent it; absent means at its arrival.
  package func correctedStart(
    _ started: Timestamp, timestamp: Timestamp?
  ) throws(RejectionReason) -> Timestamp {
    let start = started.advanced(byMilliseconds: driftMilliseconds)
    var update = timestamp?.advanced(byMilliseconds: driftMilliseconds) ?? receivedAt
    if update < start { update = start }
    for instant in [start, update] {
      let age = receivedAt.milliseconds - instant.milliseconds
      if age > DomainLimits.ageMillisecondsMax { throw .tooOld }
      if -age > DomainLimits.futureMillisecondsMax { throw .inFuture }
    }
    return start
  }

  /// The scope that a release and an environment name; an unusable environment becomes none.
  package func scope(
    project: ProjectID, release: String, environment: String?
  ) throws(RejectionReason) -> Scope {
    if release.allSatisfy(\.isWhitespace) { throw .missingRelease }
    if !Self.isValidRelease(release) { throw .invalidRelease }
    return Scope(
      project: project, release: release,
      environment: environment.flatMap { Self.isValidEnvironment($0) ? $0 : nil })
  }

  /// Sentry's `validate_release`.
  package static func isValidRelease(_ release: String) -> Bool {
    guard (1...DomainLimits.releaseBytesMax).contains(release.utf8.count) else { return false }
    if release == "." || release == ".." || release.lowercased() == "latest" { return false }
    return !release.utf8.contains(where: isForbidden)
  }

  /// Sentry's `validate_environment`; but for the empty name, which its API cannot tell from none.
  package static func isValidEnvironment(_ environment: String) -> Bool {
    guard (1...DomainLimits.environmentBytesMax).contains(environment.utf8.count) else {
      return false
    }
    if environment == "." || environment == ".." || environment.lowercased() == "none" {
      return false
    }
    return !environment.utf8.contains(where: isForbidden)
  }

  private static func isForbidden(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == 0x7f || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\")
  }
}
