package import ReleaseHealth
package import Storage
internal import Locks

/// A store that fails on demand, and in which something can happen before each read.
package final class FaultyStore: SessionStore, ReleaseStore, OutcomeStore {
  private let store: any SessionStore & ReleaseStore & OutcomeStore
  private let failure = Locked<StoreError?>(nil)
  private let lateFailure = Locked<StoreError?>(nil)
  private let arrival = Locked<(@Sendable () -> Void)?>(nil)

  package init(_ store: any SessionStore & ReleaseStore & OutcomeStore) {
    self.store = store
  }

  /// Fails before anything is stored, until it is set to nil.
  package func fail(with error: StoreError?) {
    failure.withLock { $0 = error }
  }

  /// Fails after a batch is stored, as when the answer to a commit is lost, until it is set to nil.
  package func failLate(with error: StoreError?) {
    lateFailure.withLock { $0 = error }
  }

  /// Has something happen before each read, such as a batch that arrives.
  package func beforeReads(_ body: (@Sendable () -> Void)?) {
    arrival.withLock { $0 = body }
  }

  private func arrive() { arrival.withLock({ $0 })?() }

  @discardableResult
  package func ingest(_ batch: IngestBatch) throws(StoreError) -> [OutcomeKey: Int64] {
    try check()
    let outcomes = try store.ingest(batch)
    if let error = lateFailure.withLock({ $0 }) { throw error }
    return outcomes
  }

  package func foldPending(
    receivedBy time: Timestamp?
  ) throws(StoreError) -> [OutcomeKey: Int64]? {
    try check()
    return try store.foldPending(receivedBy: time)
  }

  package func snapshot<Value: Sendable>(
    of projects: Set<ProjectID>?, _ body: (any StoreSnapshot) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let arrive = { self.arrive() }
    return try store.snapshot(of: projects) { (snapshot) throws(StoreError) in
      try body(BusySnapshot(snapshot: snapshot, arrive: arrive))
    }
  }

  package func health(_ query: HealthQuery) throws(StoreError) -> [HealthGroup] {
    arrive()
    return try store.health(query)
  }

  package func outcomes(
    of projects: Set<ProjectID>, hours: Range<Int>, intervalHours: Int
  ) throws(StoreError) -> [[OutcomeKey: Int64]] {
    arrive()
    return try store.outcomes(of: projects, hours: hours, intervalHours: intervalHours)
  }

  package func history(_ query: HealthQuery) throws(StoreError) -> SessionHistory {
    arrive()
    return try store.history(query)
  }

  package func arrivals(_ query: HealthQuery, from step: Int?) throws(StoreError) -> ArrivalPage {
    try store.arrivals(query, from: step)
  }

  package func firstArrivalHour() throws(StoreError) -> Int? {
    try store.firstArrivalHour()
  }

  package func checkWritable() throws(StoreError) {
    try check()
    try store.checkWritable()
  }

  package func housekeep(at now: Timestamp) throws(StoreError) -> Bool {
    try store.housekeep(at: now)
  }

  package func releases(_ list: ReleaseList) throws(StoreError) -> [ReleaseListing] {
    arrive()
    return try store.releases(list)
  }

  package func releases(
    named names: [String], of organization: OrganizationID, withDeploys: Bool
  ) throws(StoreError) -> [ReleaseRecord] {
    arrive()
    return try store.releases(named: names, of: organization, withDeploys: withDeploys)
  }

  package func versionPlaces(
    of releases: [ReleaseRecord], in organization: OrganizationID, projects: Set<ProjectID>,
    _ environments: EnvironmentSelection
  ) throws(StoreError) -> [Int64: VersionPlace] {
    arrive()
    return try store.versionPlaces(
      of: releases, in: organization, projects: projects, environments)
  }

  package func haveSessions(_ projects: Set<ProjectID>) throws(StoreError) -> Bool {
    arrive()
    return try store.haveSessions(projects)
  }

  package func environments(_ list: EnvironmentList) throws(StoreError) -> [KnownEnvironment] {
    arrive()
    return try store.environments(list)
  }

  package func used(
    _ environments: EnvironmentSelection, in projects: Set<ProjectID>
  ) throws(StoreError) -> Set<Name> {
    arrive()
    return try store.used(environments, in: projects)
  }

  package func saveRelease(
    _ change: ReleaseChange, of organization: OrganizationID, at now: Timestamp
  ) throws(StoreError) -> Bool {
    try store.saveRelease(change, of: organization, at: now)
  }

  package func addDeploy(
    _ deploy: Deploy, ofRelease version: String, of organization: OrganizationID
  ) throws(StoreError) -> Deploy? {
    try store.addDeploy(deploy, ofRelease: version, of: organization)
  }

  package func deleteRelease(
    version: String, of organization: OrganizationID
  ) throws(StoreError) -> Bool {
    try store.deleteRelease(version: version, of: organization)
  }

  package func sessionHours(
    ofRelease id: Int64, projects: Set<ProjectID>, environments: EnvironmentSelection
  ) throws(StoreError) -> ClosedRange<Int>? {
    arrive()
    return try store.sessionHours(ofRelease: id, projects: projects, environments: environments)
  }

  package func uses(of organization: OrganizationID) throws(StoreError) -> [ProjectID: ProjectUse] {
    arrive()
    return try store.uses(of: organization)
  }

  package func runAdoption(at now: Timestamp) throws(StoreError) -> Int {
    try store.runAdoption(at: now)
  }

  package func runAdoption(of project: ProjectID, hour: Int) throws(StoreError) {
    try store.runAdoption(of: project, hour: hour)
  }

  private func check() throws(StoreError) {
    if let error = failure.withLock({ $0 }) { throw error }
  }
}

/// A snapshot before each read of which something happens in the store.
private struct BusySnapshot: SessionReading, ReleaseReading, OutcomeStore {
  let snapshot: any StoreSnapshot
  let arrive: () -> Void

  func health(_ query: HealthQuery) throws(StoreError) -> [HealthGroup] {
    arrive()
    return try snapshot.health(query)
  }

  func outcomes(
    of projects: Set<ProjectID>, hours: Range<Int>, intervalHours: Int
  ) throws(StoreError) -> [[OutcomeKey: Int64]] {
    arrive()
    return try snapshot.outcomes(of: projects, hours: hours, intervalHours: intervalHours)
  }

  func history(_ query: HealthQuery) throws(StoreError) -> SessionHistory {
    arrive()
    return try snapshot.history(query)
  }

  func arrivals(_ query: HealthQuery, from step: Int?) throws(StoreError) -> ArrivalPage {
    arrive()
    return try snapshot.arrivals(query, from: step)
  }

  func firstArrivalHour() throws(StoreError) -> Int? {
    arrive()
    return try snapshot.firstArrivalHour()
  }

  func releases(_ list: ReleaseList) throws(StoreError) -> [ReleaseListing] {
    arrive()
    return try snapshot.releases(list)
  }

  func releases(
    named names: [String], of organization: OrganizationID, withDeploys: Bool
  ) throws(StoreError) -> [ReleaseRecord] {
    arrive()
    return try snapshot.releases(named: names, of: organization, withDeploys: withDeploys)
  }

  func versionPlaces(
    of releases: [ReleaseRecord], in organization: OrganizationID, projects: Set<ProjectID>,
    _ environments: EnvironmentSelection
  ) throws(StoreError) -> [Int64: VersionPlace] {
    arrive()
    return try snapshot.versionPlaces(
      of: releases, in: organization, projects: projects, environments)
  }

  func haveSessions(_ projects: Set<ProjectID>) throws(StoreError) -> Bool {
    arrive()
    return try snapshot.haveSessions(projects)
  }

  func environments(_ list: EnvironmentList) throws(StoreError) -> [KnownEnvironment] {
    arrive()
    return try snapshot.environments(list)
  }

  func used(
    _ environments: EnvironmentSelection, in projects: Set<ProjectID>
  ) throws(StoreError) -> Set<Name> {
    arrive()
    return try snapshot.used(environments, in: projects)
  }

  func sessionHours(
    ofRelease id: Int64, projects: Set<ProjectID>, environments: EnvironmentSelection
  ) throws(StoreError) -> ClosedRange<Int>? {
    arrive()
    return try snapshot.sessionHours(
      ofRelease: id, projects: projects, environments: environments)
  }

  func uses(of organization: OrganizationID) throws(StoreError) -> [ProjectID: ProjectUse] {
    arrive()
    return try snapshot.uses(of: organization)
  }
}
