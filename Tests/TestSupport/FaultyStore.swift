package import ReleaseHealth
package import Storage
internal import Locks

/// A store that fails on demand.
package final class FaultyStore: SessionStore, ReleaseStore, OutcomeStore {
  private let store: any SessionStore & ReleaseStore & OutcomeStore
  private let failure = Locked<StoreError?>(nil)
  private let lateFailure = Locked<StoreError?>(nil)

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

  @discardableResult
  package func ingest(_ batch: IngestBatch) throws(StoreError) -> [OutcomeKey: Int64] {
    try check()
    let outcomes = try store.ingest(batch)
    if let error = lateFailure.withLock({ $0 }) { throw error }
    return outcomes
  }

  package func foldAhead() {
    store.foldAhead()
  }

  package func foldPending(
    receivedBy time: Timestamp?
  ) throws(StoreError) -> [OutcomeKey: Int64]? {
    try check()
    return try store.foldPending(receivedBy: time)
  }

  package func health(_ query: HealthQuery) throws(StoreError) -> [HealthGroup] {
    try store.health(query)
  }

  package func outcomes(
    of projects: Set<ProjectID>, hours: Range<Int>, intervalHours: Int
  ) throws(StoreError) -> [[OutcomeKey: Int64]] {
    try store.outcomes(of: projects, hours: hours, intervalHours: intervalHours)
  }

  package func history(_ query: HealthQuery) throws(StoreError) -> SessionHistory {
    try store.history(query)
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

  package func releases(of organization: OrganizationID) throws(StoreError) -> [ReleaseRecord] {
    try store.releases(of: organization)
  }

  package func saveRelease(
    _ change: ReleaseChange, of organization: OrganizationID, at now: Timestamp
  ) throws(StoreError) -> Bool {
    try store.saveRelease(change, of: organization, at: now)
  }

  package func deleteRelease(
    version: String, of organization: OrganizationID
  ) throws(StoreError) -> Bool {
    try store.deleteRelease(version: version, of: organization)
  }

  package func sessionHours(
    ofRelease id: Int64, projects: Set<ProjectID>, environments: EnvironmentSelection
  ) throws(StoreError) -> ClosedRange<Int>? {
    try store.sessionHours(ofRelease: id, projects: projects, environments: environments)
  }

  package func uses(of organization: OrganizationID) throws(StoreError) -> [ProjectID: ProjectUse] {
    try store.uses(of: organization)
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
