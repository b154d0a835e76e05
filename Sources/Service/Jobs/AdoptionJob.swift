internal import ReleaseHealth
internal import Storage

/// Computes the adoption stages of the hours since the last run.
struct AdoptionJob: PeriodicJob {
  let store: any ReleaseStore
  let folding: FoldingBefore

  func step() throws(StoreError) -> String? {
    if try folding.step() { return nil }
    let runs = try store.runAdoption(at: folding.time)
    return runs == 1 ? "1 hourly run" : "\(runs) hourly runs"
  }
}
