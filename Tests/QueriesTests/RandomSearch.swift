import Bytes
import ReleaseHealth
import Storage
import TestSupport

/// Which release `release:latest` means.
enum Latest {
  /// The other terms decide among which releases it is.
  case undecided
  case release(String?)
}

extension ReferenceStore {
  /// The releases of a query among which the latest one is: those with a hundred sessions or more,
  /// where there are such and a release of the query is adopted at its end; otherwise all.
  func candidates(
    _ query: HealthQuery, where counts: (SeriesKey, AdoptionStage) -> Bool
  ) throws -> [HealthGroup] {
    let found = health(query, where: counts)
    let many = found.filter { $0.totals.sessions.total >= 100 }
    let end = Timestamp(minute: query.minutes.upperBound)
    for release in try releases(of: OrganizationID(rawValue: 1))
    where found.contains(where: { $0.key.release == release.version }) {
      for place in release.places where query.projects.contains(place.project) {
        let series = SeriesKey(
          project: place.project, release: release.version, environment: place.environment)
        if place.adoption.isAdopted(at: end), counts(series, place.adoption.stage), !many.isEmpty {
          return many
        }
      }
    }
    return found
  }
}

/// A search, as text and as a condition.
struct Search {
  var text: String
  var holds: @Sendable (SeriesKey, AdoptionStage, Latest) -> Bool

  init(
    text: String, holds: @escaping @Sendable (SeriesKey, AdoptionStage, Latest) -> Bool
  ) {
    (self.text, self.holds) = (text, holds)
  }

  init(text: String, plain holds: @escaping @Sendable (SeriesKey, AdoptionStage) -> Bool) {
    self.init(text: text) { series, stage, _ in holds(series, stage) }
  }

  static func random(
    _ random: inout SplitMix64, depth: Int = 0, withStages: Bool
  ) -> Search {
    guard depth < 3, Int.random(in: 0..<5, using: &random) < 3 - depth else {
      return term(&random, withStages: withStages)
    }
    let parts = (0..<Int.random(in: 2...3, using: &random)).map { _ in
      Search.random(&random, depth: depth + 1, withStages: withStages)
    }
    if Bool.random(using: &random) {
      let or = [" OR ", " or "].randomElement(using: &random)!
      return Search(text: "(" + parts.map(\.text).joined(separator: or) + ")") {
        series, stage, latest in
        parts.contains { $0.holds(series, stage, latest) }
      }
    }
    let and = [" AND ", " "].randomElement(using: &random)!
    let text = parts.map(\.text).joined(separator: and)
    // Also within alternatives: what `AND` joins needs no parentheses.
    return Search(text: Bool.random(using: &random) || and == " " ? "(\(text))" : text) {
      series, stage, latest in
      parts.allSatisfy { $0.holds(series, stage, latest) }
    }
  }

  private static func latest(isNegated: Bool) -> Search {
    Search(text: (isNegated ? "!" : "") + "release:latest") { series, _, latest in
      switch latest {
      case .undecided: true
      case .release(let name): (series.release == name) != isNegated
      }
    }
  }

  private static func term(_ random: inout SplitMix64, withStages: Bool) -> Search {
    let release = QueryWorld.releases.randomElement(using: &random)!
    let other = QueryWorld.releases.randomElement(using: &random)!
    let environment = QueryWorld.environments.randomElement(using: &random)!
    let number = Int.random(in: 1...12, using: &random)
    var found: Search
    switch Int.random(in: 0..<(withStages ? 11 : 10), using: &random) {
    case 9: return latest(isNegated: Int.random(in: 0..<4, using: &random) == 0)
    case 0:
      found = Search(text: "release:\(release.name)") { key, _ in key.release == release.name }
    case 1:
      found = Search(text: "release:[\"\(release.name)\", \(other.name)]") { series, _ in
        series.release == release.name || series.release == other.name
      }
    case 2:
      let start = String(release.name.prefix(number))
      found = Search(text: "release:\(start.uppercased())*") { series, _ in
        series.release.lowercased().hasPrefix(start.lowercased())
      }
    case 3:
      let end = String(release.name.suffix(2))
      found = Search(text: "release:*@*\(end)") { series, _ in
        let parts = series.release.split(separator: "@", maxSplits: 1)
        return parts.count == 2 && (parts[1].lowercased()).hasSuffix(end.lowercased())
      }
    case 4:
      found = Search(text: "environment:\"\(environment)\"") { series, _ in
        (series.environment ?? "") == environment
      }
    case 5:
      found = Search(text: "environment:[staging, p*n]") { series, _ in
        ["staging", "production"].contains(series.environment)
      }
    case 6:
      let text = ["project:one", "project:1"].randomElement(using: &random)!
      found = Search(text: text) { series, _ in series.project.rawValue == 1 }
    case 7:
      let wanted = [1, number, 0]
      let (text, test): (String, @Sendable ([Int]) -> Bool) =
        [
          (">", { wanted.lexicographicallyPrecedes($0) }),
          (">=", { !$0.lexicographicallyPrecedes(wanted) }),
          ("<", { $0.lexicographicallyPrecedes(wanted) }), ("", { $0 == wanted }),
        ].randomElement(using: &random)!
      found = Search(text: "release.version:\(text)1.\(number)") { series, _ in
        QueryWorld.releases.first { $0.name == series.release }?.numbers.map(test) ?? false
      }
    case 8:
      if Bool.random(using: &random) {
        found = Search(text: "release.package:shop") { series, _ in
          QueryWorld.releases.first { $0.name == series.release }?.package == "shop"
        }
      } else {
        found = Search(text: "release.build:>\(number)") { series, _ in
          let build = QueryWorld.releases.first { $0.name == series.release }?.build
          return build.flatMap { Int($0) }.map { $0 > number } ?? false
        }
      }
    default:
      let stage = AdoptionStage.allCases.randomElement(using: &random)!
      found = Search(text: "release.stage:\(stage.rawValue)") { _, known in known == stage }
    }
    if Int.random(in: 0..<4, using: &random) > 0 { return found }
    let plain = found
    return Search(text: "!" + plain.text) { !plain.holds($0, $1, $2) }
  }
}
