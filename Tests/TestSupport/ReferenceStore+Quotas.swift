internal import ReleaseHealth
internal import Storage

/// Quotas from all sessions that were ever admitted: the model adds up those of a window each time.
extension ReferenceStore {
  /// Sessions that were counted of a project or key with quotas.
  struct Admission {
    var project: ProjectID
    /// nil for the project.
    var publicKey: String?
    var time: Timestamp
    var count: Int64
  }
}

extension ReferenceStore.Raw {
  /// A batch without what its quotas have no room for.
  mutating func admitted(_ batch: IngestBatch) -> IngestBatch {
    if batch.limited.isEmpty { return batch }
    let keys = batch.named.map(\.key)
    var known = Set(batches.flatMap(\.named).map(\.key))
    var refused = (reports: Set<Int>(), aggregated: Set<Int>())
    var next = 0
    for part in batch.limited {
      known.formUnion(keys[next..<part.reports.lowerBound])
      next = part.reports.upperBound
      for index in part.reports where !known.contains(keys[index]) {
        if takes(1, part.quotas, at: batch.receivedAt) {
          known.insert(keys[index])
        } else {
          refused.reports.insert(index)
        }
      }
      for index in part.aggregated {
        let count = batch.aggregated[index].counts.total
        if !takes(count, part.quotas, at: batch.receivedAt) { refused.aggregated.insert(index) }
      }
    }
    return batch.refusing(reports: refused.reports, aggregated: refused.aggregated)
  }

  private mutating func takes(_ count: Int64, _ quotas: KeyQuotas, at now: Timestamp) -> Bool {
    func fits(_ publicKey: String?, _ limits: Quotas) -> Bool {
      let own = admissions.filter { $0.project == quotas.project && $0.publicKey == publicKey }
      func used(_ window: Int64) -> Int64 {
        own.filter { $0.time.milliseconds / window == now.milliseconds / window }
          .reduce(0) { $0 + $1.count }
      }
      return used(60_000) + count <= limits.sessionsPerMinute ?? .max
        && used(86_400_000) + count <= limits.sessionsPerDay ?? .max
    }
    guard fits(nil, quotas.ofProject), fits(quotas.publicKey, quotas.ofKey) else { return false }
    for (publicKey, limits) in [(nil, quotas.ofProject), (quotas.publicKey, quotas.ofKey)]
    where limits.limitsSessions {
      admissions.append(
        .init(project: quotas.project, publicKey: publicKey, time: now, count: count))
    }
    return true
  }
}
