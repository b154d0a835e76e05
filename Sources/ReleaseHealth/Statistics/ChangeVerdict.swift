/// What the change of a share from one release to another means.
package enum ChangeVerdict: String, CaseIterable, Sendable {
  case better, worse
  /// The difference may be chance.
  case chance
  /// The share of a status changed, but only since worse statuses changed the other way: sessions
  /// or users moved between it and worse ones.
  case shifted
  /// It favours the release that is younger, whose late crashes are not reported yet.
  case early

  /// The verdict on a share that is good, such as that of crash-free sessions, or bad.
  package init(_ difference: ProportionDifference, isGood: Bool) {
    self =
      switch difference.verdict {
      case .chance: .chance
      case .higher: isGood ? .better : .worse
      case .lower: isGood ? .worse : .better
      }
  }

  /// The verdict on the share of one status. A status that shrinks because worse ones grow is not
  /// better, and one that grows because worse ones shrink is not worse.
  ///
  /// - Parameters:
  ///   - worse: the difference of all worse statuses together.
  ///   - orWorse: that of the status and all worse ones together.
  package init(
    _ difference: ProportionDifference, worse: ProportionDifference,
    orWorse: ProportionDifference
  ) {
    switch difference.verdict {
    case .chance: self = .chance
    case .lower:
      let isLess = orWorse.value <= 0 && (worse.value <= 0 || orWorse.verdict == .lower)
      self = isLess ? .better : .shifted
    case .higher: self = orWorse.value > 0 ? .worse : .shifted
    }
  }
}
