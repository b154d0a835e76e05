import ReleaseHealth
import Testing

@Suite struct AdoptionTests {
  static let first = Timestamp(seconds: 3600)
  static let second = Timestamp(seconds: 7200)
  static let third = Timestamp(seconds: 10_800)

  private func scope(
    _ release: String, _ environment: String? = "production", project: Int64 = 1
  ) -> Scope {
    Scope(project: ProjectID(rawValue: project), release: release, environment: environment)
  }

  /// A single run: the series with times after it.
  private func adopted(_ sessions: [Scope: Int64]) -> Set<Scope> {
    Set(Adoption.run(sessions: sessions, known: [:], at: Self.first).keys)
  }

  @Test func exactlyATenthIsAdopted() {
    #expect(adopted([scope("a"): 10, scope("b"): 90]) == [scope("a"), scope("b")])
    #expect(adopted([scope("a"): 10, scope("b"): 91]) == [scope("b")])
    #expect(adopted([scope("a"): 9, scope("b"): 81]) == [scope("a"), scope("b")])
  }

  @Test func oneSessionOfOneIsEnough() {
    #expect(adopted([scope("a"): 1]) == [scope("a")])
    #expect(adopted([scope("a"): 0]).isEmpty)
  }

  /// Shares are of the same project and environment.
  @Test func environmentsAndProjectsAreSeparate() {
    #expect(
      adopted([
        scope("a"): 1, scope("b"): 99, scope("a", "staging"): 1,
        scope("a", "production", project: 2): 1,
      ]) == [scope("b"), scope("a", "staging"), scope("a", "production", project: 2)])
  }

  @Test func sessionsWithoutEnvironmentHaveNoStage() {
    #expect(adopted([scope("a", nil): 5, scope("b"): 1]) == [scope("b")])
  }

  @Test func replacedAndAdoptedAgain() {
    var known = Adoption.run(sessions: [scope("a"): 1], known: [:], at: Self.first)
    #expect(known == [scope("a"): AdoptionTimes(adopted: Self.first)])
    #expect(known[scope("a")]?.stage == .adopted)

    known.merge(
      Adoption.run(sessions: [scope("b"): 1], known: known, at: Self.second)
    ) { $1 }
    #expect(
      known[scope("a")] == AdoptionTimes(adopted: Self.first, unadopted: Self.second))
    #expect(known[scope("a")]?.stage == .replaced && known[scope("b")]?.stage == .adopted)

    // The first time of adoption stays.
    known.merge(
      Adoption.run(sessions: [scope("a"): 1], known: known, at: Self.third)
    ) { $1 }
    #expect(known[scope("a")] == AdoptionTimes(adopted: Self.first))
    #expect(known[scope("b")]?.stage == .replaced)
  }

  /// No release is replaced before it is adopted, and none is adopted by a future run.
  @Test func timesAheadBecomeThoseOfTheRun() {
    let known = [scope("a"): AdoptionTimes(adopted: Self.third)]
    #expect(
      Adoption.run(sessions: [scope("b"): 1], known: known, at: Self.second)[scope("a")]
        == AdoptionTimes(adopted: Self.second, unadopted: Self.second))
    #expect(
      Adoption.run(sessions: [scope("a"): 1], known: known, at: Self.second)
        == [scope("a"): AdoptionTimes(adopted: Self.second)])
  }

  @Test func aSilentEnvironmentOfAnActiveProjectLosesItsReleases() {
    let known = [
      scope("a"): AdoptionTimes(adopted: Self.first),
      scope("a", "staging"): AdoptionTimes(adopted: Self.first),
    ]
    #expect(
      Adoption.run(sessions: [scope("a"): 1], known: known, at: Self.second)
        == [scope("a", "staging"): AdoptionTimes(adopted: Self.first, unadopted: Self.second)])
    // Sessions without an environment also make the project active.
    #expect(
      Adoption.run(sessions: [scope("a", nil): 1], known: known, at: Self.second).count == 2)
  }

  @Test func aSilentProjectKeepsItsStages() {
    let known = [
      scope("a"): AdoptionTimes(adopted: Self.first),
      scope("a", "production", project: 2): AdoptionTimes(adopted: Self.first),
    ]
    let changed = Adoption.run(
      sessions: [scope("b", "production", project: 2): 1], known: known, at: Self.second)
    #expect(Set(changed.keys.map(\.project.rawValue)) == [2])
  }

  @Test func unchangedTimesAreNotReturned() {
    let known = [scope("a"): AdoptionTimes(adopted: Self.first)]
    #expect(Adoption.run(sessions: [scope("a"): 5], known: known, at: Self.second).isEmpty)
    #expect(AdoptionTimes().stage == .lowAdoption)
  }
}
