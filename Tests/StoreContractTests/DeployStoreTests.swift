import ReleaseHealth
import Storage
import TestSupport
import Testing

/// The laws of the deploys of ``ReleaseStore``, tested on every store.
@Suite struct DeployStoreTests {
  private static let organization = Contract.organization

  private static func deploy(
    _ projects: [ProjectID], to environment: String, hour: Int
  ) -> Deploy {
    Deploy(projects: projects, environment: environment, finished: Contract.after(hours: hour))
  }

  private func store(
    _ conformer: Conformer, _ directory: TemporaryDirectory
  ) throws -> any ContractStore {
    let store = try conformer.store(in: directory)
    var change = ReleaseChange(version: "a@1")
    change.projects = [Contract.one, Contract.two]
    _ = try store.saveRelease(change, of: Self.organization, at: Contract.start)
    return store
  }

  private func deploys(_ store: any ContractStore) throws -> ReleaseDeploys {
    try #require(try store.releases(of: Self.organization, withDeploys: true).first).deploys
  }

  @Test(arguments: Conformer.allCases)
  func aDeployIsKeptAsItIsReported(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try store(conformer, directory)
    #expect(try deploys(store) == ReleaseDeploys())
    var deploy = Self.deploy([Contract.one, Contract.two], to: "production", hour: 3)
    (deploy.name, deploy.url) = ("blue", "https://example.org/?a=b")
    deploy.started = Contract.after(hours: 2)
    let stored = try #require(
      try store.addDeploy(deploy, ofRelease: "a@1", of: Self.organization))
    #expect(stored.id > 0)
    deploy.id = stored.id
    #expect(stored == deploy)
    #expect(try deploys(store).count == 1 && deploys(store).current == [deploy])
    // No release is made.
    #expect(try store.addDeploy(deploy, ofRelease: "A@1", of: Self.organization) == nil)
    #expect(
      try store.addDeploy(deploy, ofRelease: "a@1", of: OrganizationID(rawValue: 2)) == nil)
    #expect(try store.releases(of: Self.organization).map(\.version) == ["a@1"])
    #expect(try deploys(store).count == 1)
  }

  /// The last ones by their storing, not by their dates.
  @Test(arguments: Conformer.allCases)
  func theLastOneOfEachProjectAndEnvironment(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try store(conformer, directory)
    let (both, one, two) = ([Contract.one, Contract.two], [Contract.one], [Contract.two])
    for (projects, environment, hour) in [
      (both, "production", 9), (both, "staging", 8), (one, "production", 1), (two, "staging", 2),
      (one, "production", 3),
    ] {
      let deploy = Self.deploy(projects, to: environment, hour: hour)
      _ = try store.addDeploy(deploy, ofRelease: "a@1", of: Self.organization)
    }
    let found = try deploys(store)
    func shown(_ deploys: [Deploy]) -> [String] {
      deploys.map { deploy in
        let projects = deploy.projects.map { String($0.rawValue) }.joined(separator: "+")
        return "\(deploy.environment) \(deploy.finished.hour - Contract.start.hour) of \(projects)"
      }
    }
    #expect(found.count == 5)
    #expect(
      shown(found.current)
        == ["production 3 of 1", "staging 2 of 2", "staging 8 of 1", "production 9 of 2"])
    #expect(found.current.map(\.id) == found.current.map(\.id).sorted(by: >))
    #expect(shown(found.current(of: [Contract.one])) == ["production 3 of 1", "staging 8 of 1"])
    #expect(found.current(of: []).isEmpty)
  }

  /// A deploy to an environment without sessions is one; and it makes the environment known.
  @Test(arguments: Conformer.allCases)
  func deploysNeedNoSessions(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try store(conformer, directory)
    for environment in ["staging", "canary", "staging"] {
      _ = try store.addDeploy(
        Self.deploy([Contract.two], to: environment, hour: 1), ofRelease: "a@1",
        of: Self.organization)
    }
    var use = ProjectUse()
    use.deployEnvironments = ["canary", "staging"]
    #expect(use.hasNoSessions)
    #expect(try store.uses(of: Self.organization) == [Contract.two: use])
    #expect(try store.uses(of: OrganizationID(rawValue: 2)).isEmpty)
    #expect(try store.releases(of: Self.organization)[0].places.isEmpty)
    _ = try store.ingest(
      Contract.batch(
        [Contract.report(1, .ok, of: Contract.series("a@1", "canary", of: Contract.two))],
        at: Contract.start))
    use.environments = ["canary"]
    use.hasSingleSessions = true
    #expect(!use.hasNoSessions && use.allEnvironments == [Name("canary"), Name("staging")])
    #expect(try store.uses(of: Self.organization) == [Contract.two: use])
  }

  @Test(arguments: Conformer.allCases)
  func deploysGoWithTheirRelease(_ conformer: Conformer) throws {
    let directory = try TemporaryDirectory()
    let store = try store(conformer, directory)
    let deploy = Self.deploy([Contract.one], to: "production", hour: 1)
    let first = try #require(
      try store.addDeploy(deploy, ofRelease: "a@1", of: Self.organization))
    #expect(try store.deleteRelease(version: "a@1", of: Self.organization))
    #expect(try store.uses(of: Self.organization).isEmpty)
    _ = try store.saveRelease(
      ReleaseChange(version: "a@1"), of: Self.organization, at: Contract.start)
    #expect(try deploys(store) == ReleaseDeploys())
    // No number is given twice.
    let second = try #require(
      try store.addDeploy(deploy, ofRelease: "a@1", of: Self.organization))
    #expect(second.id > first.id)
  }
}
