package import ReleaseHealth

/// The quotas of what arrives with a DSN key: those of its project, and its own. Both hold.
///
/// A class, so that a request and a batch hold one reference.
package final class KeyQuotas: Sendable {
  package let project: ProjectID
  package let publicKey: String
  package let ofProject: Quotas
  package let ofKey: Quotas

  package init(project: ProjectID, publicKey: String, ofProject: Quotas, ofKey: Quotas) {
    self.project = project
    self.publicKey = publicKey
    self.ofProject = ofProject
    self.ofKey = ofKey
  }

  package var limitsSessions: Bool { ofProject.limitsSessions || ofKey.limitsSessions }
}
