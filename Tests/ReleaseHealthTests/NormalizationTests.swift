import ReleaseHealth
import Testing

@Suite struct NormalizationTests {
  static let now = Timestamp(seconds: 1_767_225_600)

  struct DriftCase: Sendable {
    var sentSecondsAgo: Int64
    var correctionSeconds: Int64
  }

  /// A drift below 55 minutes, in whole seconds, is not corrected; from there on all of it is.
  @Test(arguments: [
    DriftCase(sentSecondsAgo: 0, correctionSeconds: 0),
    DriftCase(sentSecondsAgo: 3299, correctionSeconds: 0),
    DriftCase(sentSecondsAgo: 3300, correctionSeconds: 3300),
    DriftCase(sentSecondsAgo: 864_000, correctionSeconds: 864_000),
    DriftCase(sentSecondsAgo: -3299, correctionSeconds: 0),
    DriftCase(sentSecondsAgo: -3300, correctionSeconds: -3300),
  ])
  func driftIsCorrectedFromItsThresholdOn(_ example: DriftCase) throws {
    let normalization = Normalization(
      receivedAt: Self.now,
      sentAt: Self.now.advanced(byMilliseconds: -1000 * example.sentSecondsAgo))
    #expect(normalization.driftMilliseconds == example.correctionSeconds * 1000)
    // A session of the last minute by the device's clock.
    let started = Self.now.advanced(byMilliseconds: -1000 * (example.sentSecondsAgo + 60))
    let start = Result { try normalization.correctedStart(started, timestamp: started) }
    if abs(example.sentSecondsAgo) < 3300, example.sentSecondsAgo < 0 {
      // Not corrected, and in the future because of the device's clock.
      #expect(throws: RejectionReason.inFuture) { try start.get() }
    } else {
      #expect(
        try start.get() == started.advanced(byMilliseconds: example.correctionSeconds * 1000))
    }
  }

  @Test func aThresholdIsComparedInWholeSeconds() {
    let sentAt = Self.now.advanced(byMilliseconds: -(3300 * 1000 - 1))
    #expect(Normalization(receivedAt: Self.now, sentAt: sentAt).driftMilliseconds == 0)
  }

  struct AgeCase: Sendable {
    var startedMillisecondsAgo: Int64
    var updatedMillisecondsAgo: Int64?
    var reason: RejectionReason?
  }

  static let limit = DomainLimits.ageMillisecondsMax

  @Test(arguments: [
    AgeCase(startedMillisecondsAgo: 0),
    AgeCase(startedMillisecondsAgo: limit),
    AgeCase(startedMillisecondsAgo: limit, updatedMillisecondsAgo: 0),
    AgeCase(startedMillisecondsAgo: limit + 1, reason: .tooOld),
    // An older session cannot be ended any more, even by a new update.
    AgeCase(startedMillisecondsAgo: limit + 1, updatedMillisecondsAgo: 0, reason: .tooOld),
    AgeCase(startedMillisecondsAgo: -60_000),
    AgeCase(startedMillisecondsAgo: -60_001, reason: .inFuture),
    AgeCase(startedMillisecondsAgo: 0, updatedMillisecondsAgo: -60_001, reason: .inFuture),
    // An update before its session's start counts as one at the start.
    AgeCase(startedMillisecondsAgo: 0, updatedMillisecondsAgo: limit + 1),
  ])
  func ageIsLimitedForStartAndUpdate(_ example: AgeCase) {
    let normalization = Normalization(receivedAt: Self.now, sentAt: nil)
    let started = Self.now.advanced(byMilliseconds: -example.startedMillisecondsAgo)
    let timestamp = example.updatedMillisecondsAgo.map {
      Self.now.advanced(byMilliseconds: -$0)
    }
    let result = Result { try normalization.correctedStart(started, timestamp: timestamp) }
    if let reason = example.reason {
      #expect(throws: reason) { try result.get() }
    } else {
      #expect((try? result.get()) == started)
    }
  }

  @Test(arguments: [
    "shop@1.0.0", "1", "a b", "ünï", String(repeating: "r", count: 200), " padded ",
  ])
  func usableReleases(_ release: String) throws {
    let seriesKey = try normalization.seriesKey(
      project: project, release: release, environment: nil)
    #expect(seriesKey.release == release)
  }

  @Test(arguments: [
    ".", "..", "latest", "LaTest", "a/b", "a\\b", "a\nb", "a\rb", "a\tb", "a\u{0}b", "a\u{7f}b",
    "a\u{c}b", String(repeating: "r", count: 201), String(repeating: "ü", count: 101),
  ])
  func unusableReleasesDropTheItem(_ release: String) {
    #expect(throws: RejectionReason.invalidRelease) {
      try normalization.seriesKey(project: project, release: release, environment: nil)
    }
  }

  @Test(arguments: ["", " ", "\t\n"])
  func blankReleasesCountAsNone(_ release: String) {
    #expect(throws: RejectionReason.missingRelease) {
      try normalization.seriesKey(project: project, release: release, environment: nil)
    }
  }

  @Test(arguments: [
    ("production", "production"),
    (String(repeating: "e", count: 64), String(repeating: "e", count: 64)),
    (String(repeating: "e", count: 65), nil), ("none", nil), ("None", nil), (".", nil), ("..", nil),
    ("a/b", nil), ("a\nb", nil), ("", nil), (nil, nil),
  ])
  func unusableEnvironmentsBecomeNone(_ sent: String?, _ kept: String?) throws {
    let seriesKey = try normalization.seriesKey(project: project, release: "r", environment: sent)
    #expect(seriesKey.environment == kept)
  }

  private let normalization = Normalization(receivedAt: now, sentAt: nil)
  private let project = ProjectID(rawValue: 1)
}
