package import ReleaseHealth
package import Storage

extension AlertStore {
  /// Saves a rule without notifications of an incident that this ends.
  package func saveAlertRule(
    _ draft: AlertRuleDraft, id: Int64?, of organization: OrganizationID, at now: Timestamp
  ) throws(StoreError) -> StoredAlertRule? {
    try saveAlertRule(draft, id: id, of: organization, at: now, telling: { _, _ in nil })
  }

  /// Declares rules without notifications of an incident that this ends.
  package func declareAlertRules(
    _ drafts: [(organization: OrganizationID, draft: AlertRuleDraft)], at now: Timestamp
  ) throws(StoreError) {
    try declareAlertRules(drafts, at: now, telling: { _, _ in nil })
  }
}
