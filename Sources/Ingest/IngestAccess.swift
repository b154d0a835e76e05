internal import Access
internal import Bytes
internal import HTTP
internal import ReleaseHealth
internal import Storage

/// The project that an ingest request is for, and the public key that gives access to it.
struct IngestAccess {
  let publicKey: String
  let project: ProjectID
  /// The tenant of the request.
  let tenant: Tenant
  /// The quotas of the key and its project; nil where there are none.
  let quotas: KeyQuotas?

  /// - Parameter project: the project in the request; nil where it has none.
  init(publicKey: String, project: ProjectID?, snapshot: CatalogSnapshot) throws(IngestRefusal) {
    guard let owner = snapshot.project(ofKey: publicKey),
      project == nil || project == owner
    else { throw IngestRefusal(403, "event submission rejected with_reason: ProjectId") }
    self.publicKey = publicKey
    self.project = owner
    quotas = snapshot.quotas(ofKey: publicKey)
    let number = Hexadecimal.number(publicKey.utf8.span) ?? 0
    tenant = .project(owner.rawValue, key: UInt64(truncatingIfNeeded: number))
  }

  /// The access of a command on this machine, which needs no key and has no quotas.
  init(command project: ProjectID) {
    publicKey = ""
    quotas = nil
    self.project = project
    tenant = .project(project.rawValue, key: 0)
  }
}
