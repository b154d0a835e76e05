import ReleaseHealth
import Testing

@Suite struct AdoptionTests {
  static let first = Timestamp(seconds: 3600)
  static let second = Timestamp(seconds: 7200)
  static let third = Timestamp(seconds: 10_800)

  private func series(
    _ release: String, _ environment: String? = "production", project: Int64 = 1
  ) -> SeriesKey {
    SeriesKey(project: ProjectID(rawValue: project), release: release, environment: environment)
  }

  /// A single run: the series with times after it.
  private func adopted(_ sessions: [SeriesKey: Int64]) -> Set<SeriesKey> {
    Set(Adoption.run(sessions: sessions, known: [:], at: Self.first).keys)
  }

  @Test func exactlyATenthIsAdopted() {
    #expect(adopted([series("a"): 10, series("b"): 90]) == [series("a"), series("b")])
    #expect(adopted([series("a"): 10, series("b"): 91]) == [series("b")])
    #expect(adopted([series("a"): 9, series("b"): 81]) == [series("a"), series("b")])
  }

  @Test func oneSessionOfOneIsEnough() {
    #expect(adopted([series("a"): 1]) == [series("a")])
    #expect(adopted([series("a"): 0]).isEmpty)
  }

  /// Shares are of the same project and environment.
  @Test func environmentsAndProjectsAreSeparate() {
    #expect(
      adopted([
        series("a"): 1, series("b"): 99, series("a", "staging"): 1,
        series("a", "production", project: 2): 1,
      ]) == [series("b"), series("a", "staging"), series("a", "production", project: 2)])
  }

  @Test func sessionsWithoutEnvironmentHaveNoStage() {
    #expect(adopted([series("a", nil): 5, series("b"): 1]) == [series("b")])
  }

  @Test func replacedAndAdoptedAgain() {
    var known = Adoption.run(sessions: [series("a"): 1], known: [:], at: Self.first)
    #expect(known == [series("a"): AdoptionTimes(adopted: Self.first)])
    #expect(known[series("a")]?.stage == .adopted)

    known.merge(
      Adoption.run(sessions: [series("b"): 1], known: known, at: Self.second)
    ) { $1 }
    #expect(
      known[series("a")] == AdoptionTimes(adopted: Self.first, unadopted: Self.second))
    #expect(known[series("a")]?.stage == .replaced && known[series("b")]?.stage == .adopted)

    // The first time of adoption stays.
    known.merge(
      Adoption.run(sessions: [series("a"): 1], known: known, at: Self.third)
    ) { $1 }
    #expect(known[series("a")] == AdoptionTimes(adopted: Self.first))
    #expect(known[series("b")]?.stage == .replaced)
  }

  /// No release is replaced before it is adopted, and none is adopted by a future run.
  @Test func timesAheadBecomeThoseOfTheRun() {
    let known = [series("a"): AdoptionTimes(adopted: Self.third)]
    #expect(
      Adoption.run(sessions: [series("b"): 1], known: known, at: Self.second)[series("a")]
        == AdoptionTimes(adopted: Self.second, unadopted: Self.second))
    #expect(
      Adoption.run(sessions: [series("a"): 1], known: known, at: Self.second)
        == [series("a"): AdoptionTimes(adopted: Self.second)])
  }

  @Test func aSilentEnvironmentOfAnActiveProjectLosesItsReleases() {
    let known = [
      series("a"): AdoptionTimes(adopted: Self.first),
      series("a", "staging"): AdoptionTimes(adopted: Self.first),
    ]
    #expect(
      Adoption.run(sessions: [series("a"): 1], known: known, at: Self.second)
        == [series("a", "staging"): AdoptionTimes(adopted: Self.first, unadopted: Self.second)])
    // Sessions without an environment also make the project active.
    #expect(
      Adoption.run(sessions: [series("a", nil): 1], known: known, at: Self.second).count == 2)
  }

  @Test func aSilentProjectKeepsItsStages() {
    let known = [
      series("a"): AdoptionTimes(adopted: Self.first),
      series("a", "production", project: 2): AdoptionTimes(adopted: Self.first),
    ]
    let changed = Adoption.run(
      sessions: [series("b", "production", project: 2): 1], known: known, at: Self.second)
    #expect(Set(changed.keys.map(\.project.rawValue)) == [2])
  }

  @Test func unchangedTimesAreNotReturned() {
    let known = [series("a"): AdoptionTimes(adopted: Self.first)]
    #expect(Adoption.run(sessions: [series("a"): 5], known: known, at: Self.second).isEmpty)
    #expect(AdoptionTimes().stage == .lowAdoption)
  }
}
