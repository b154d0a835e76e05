/// Normalizes the values that SDKs send, in Relay's order: clock drift, the order of the two times,
/// age, release, environment (`relay-server/src/processing/sessions/process.rs`).
package struct Normalization: Sendable {
  /// The arrival of the envelope, by the service's clock.
  package let receivedAt: Timestamp
  /// The correction that is added to the times of items; zero below the threshold.
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
  /// - Parameter timestamp: the time of the update that the SDK reported; nil means its arrival.
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

  /// The series of a release and an environment; an invalid environment becomes nil.
  package func seriesKey(
    project: ProjectID, release: String, environment: String?
  ) throws(RejectionReason) -> SeriesKey {
    if Self.isBlank(release) { throw .missingRelease }
    if !Self.isValidRelease(release) { throw .invalidRelease }
    return SeriesKey(
      project: project, release: release,
      environment: environment.flatMap { Self.isValidEnvironment($0) ? $0 : nil })
  }

  /// Whether the release is valid, as in Sentry's `validate_release`.
  package static func isValidRelease(_ release: String) -> Bool {
    isValidName(release, bytesMax: DomainLimits.releaseBytesMax, except: "latest")
      && !isBlank(release)
  }

  /// What the name of a release is to be, for errors.
  package static let releaseRule =
    "A release has 1 to \(DomainLimits.releaseBytesMax) bytes, not only white space, without /, \\ "
    + "and control characters, and is not \"latest\", \".\" or \"..\"."

  /// What the name of an environment is to be, for errors.
  package static let environmentRule =
    "An environment has 1 to \(DomainLimits.environmentBytesMax) bytes without /, \\ and control "
    + "characters, and is not \"none\", \".\" or \"..\"."

  /// Whether the environment is valid, as in Sentry's `validate_environment`; but an empty name is
  /// invalid, since the API cannot distinguish it from none.
  package static func isValidEnvironment(_ environment: String) -> Bool {
    isValidName(environment, bytesMax: DomainLimits.environmentBytesMax, except: "none")
  }

  /// Whether the text is white space only. Names rarely begin with white space, so the first byte
  /// usually decides without a lookup of Unicode properties.
  private static func isBlank(_ name: String) -> Bool {
    if let first = name.utf8.first, first > 0x20, first < 0x7f { return false }
    return name.allSatisfy(\.isWhitespace)
  }

  /// - Parameter reserved: a word in lower-case ASCII letters, invalid in any case.
  private static func isValidName(
    _ name: String, bytesMax: Int, except reserved: StaticString
  ) -> Bool {
    let bytes = name.utf8.span
    guard (1...bytesMax).contains(bytes.count) else { return false }
    for index in bytes.indices where isForbidden(bytes[index]) { return false }
    let isDot = bytes[0] == UInt8(ascii: ".")
    if isDot, bytes.count == 1 || (bytes.count == 2 && bytes[1] == UInt8(ascii: ".")) {
      return false
    }
    // No character beyond ASCII has one of these letters as its lower-case form.
    guard bytes.count == reserved.utf8CodeUnitCount else { return true }
    for index in bytes.indices where unsafe bytes[index] | 0x20 != reserved.utf8Start[index] {
      return true
    }
    return false
  }

  private static func isForbidden(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == 0x7f || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\")
  }
}
