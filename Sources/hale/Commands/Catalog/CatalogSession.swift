import Outbound
import FoundationEssentials
import Glibc
import ReleaseHealth
import Storage

/// The catalog, as commands read and change it.
///
/// It reads the database itself, so that no service need run. Changes are made by the service where
/// one runs: the database has one writer.
struct CatalogSession {
  let store: any CatalogStore & ReleaseStore & JobRunStore & NoticeStore & AlertStore
  private let settings: Settings
  private let service: ControlSocket
  let now: Timestamp

  /// - Parameter createsDirectory: whether a missing data directory is created. Only a command
  ///   that makes sense in an empty one does so: a mistyped `--data` should be an error.
  init(_ settings: Settings, createsDirectory: Bool = false) throws {
    let directory = settings.dataDirectory
    if createsDirectory {
      try createDirectory(directory)
    } else {
      guard let identity = FileIdentity(path: directory) else {
        throw CommandFailure.failed(
          "There is no data directory \(directory). Name it with --data, or start `hale serve`, "
            + "which creates it.")
      }
      guard identity.isDirectory else {
        throw SystemError("use", directory, number: ENOTDIR)
      }
    }
    self.settings = settings
    service = ControlSocket(dataDirectory: directory)
    now = try SystemClock(settings.now).now()
    store = try openStore(dataDirectory: directory, ownsSessions: false)
  }

  /// Has the service that runs on the data make a change, which it then knows at once; where none
  /// runs, makes it here.
  ///
  /// - Returns: the number of what was created; 0 where nothing was.
  @discardableResult
  func make(_ change: CatalogChange) throws -> Int64 {
    let request = CatalogChangeRequest(change: change, at: now)
    let body = [UInt8](try JSONEncoder().encode(request))
    guard let response = try service.send("POST", "/control/changes", body: body) else {
      return try change.make(store, store, store, at: now)
    }
    let answer = try? JSONDecoder().decode(CatalogChangeAnswer.self, from: Data(response.body))
    guard response.status == 200, let answer else { throw service.failure(response) }
    guard let id = answer.id else {
      throw CommandFailure.failed(answer.failure ?? "The service did not make the change.")
    }
    return id
  }

  func catalog() throws -> Catalog {
    guard let catalog = try store.catalog(unlessVersion: nil) else {
      preconditionFailure("A catalog that is read without a version is always returned.")
    }
    return catalog
  }

  /// The address in printed DSNs: the setting, or else the one that the service last ran under, or
  /// else the default one.
  func server(_ catalog: Catalog) -> WebAddress {
    settings.publicURL ?? catalog.publicURL.flatMap { WebAddress(publicURL: $0) }
      ?? WebAddress(listening: ListenAddress(host: "127.0.0.1", port: 8787))
  }
}

extension Catalog {
  /// The organization of `--org`. Without the flag, it is the only one, or else `default`.
  func organization(_ slug: String?) throws(CommandFailure) -> Organization {
    if slug == nil, organizations.count == 1, let only = organizations.first { return only }
    return try namedOrganization(slug ?? "default")
  }

  /// The organization with this slug.
  func namedOrganization(_ slug: String) throws(CommandFailure) -> Organization {
    if let organization = organizations.first(where: { $0.slug == slug }) { return organization }
    guard !organizations.isEmpty else {
      throw .failed(
        "There is no organization '\(slug)' yet. Start `hale serve` once, which creates 'default', "
          + "or use `hale org create \(slug)`.")
    }
    let slugs = organizations.map(\.slug).sorted().joined(separator: ", ")
    throw .failed("There is no organization '\(slug)'. The organizations are: \(slugs).")
  }

  /// The project that an argument names: by its id, or by its slug within an organization.
  func project(_ text: String, organization slug: String?) throws(CommandFailure) -> Project {
    if let number = Int64(text) {
      let project = projects.first { $0.id.rawValue == number }
      guard let project else { throw .failed("There is no project with the id \(number).") }
      if let slug, try namedOrganization(slug).id != project.organization {
        throw .failed("The project \(number) does not belong to the organization '\(slug)'.")
      }
      return project
    }
    let organization = try organization(slug)
    let own = projects.filter { $0.organization == organization.id }
    guard let project = own.first(where: { $0.slug == text }) else {
      let slugs = own.map(\.slug).sorted().joined(separator: ", ")
      throw .failed(
        "There is no project '\(text)' in the organization '\(organization.slug)'. "
          + (own.isEmpty ? "It has no projects." : "The projects are: \(slugs)."))
    }
    return project
  }

  /// A project's keys, in the order of their creation.
  func keys(of project: Project) -> [ProjectKey] {
    keys.filter { $0.project == project.id }
      .sorted { ($0.created, $0.publicKey) < ($1.created, $1.publicKey) }
  }
}

extension Slug {
  /// Returns a valid slug, and throws a usage error for any other text.
  static func checked(_ text: String, naming subject: String) throws(CommandFailure) -> String {
    guard isValid(text) else { throw .usage("\(subject) is '\(text)', but it takes \(rule).") }
    return text
  }
}
