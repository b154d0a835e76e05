import Glibc
import ReleaseHealth
import Storage

/// What a command that reads or changes the catalog works with.
///
/// It works on the database itself, so that no service need run; one that runs sees the change.
struct CatalogSession {
  /// Where a service is when nobody says otherwise.
  private static let usualAddress = WebAddress(
    listening: ListenAddress(host: "127.0.0.1", port: 8787))

  let store: any CatalogStore & NoticeStore & AlertStore
  private let settings: Settings
  let now: Timestamp

  /// - Parameters:
  ///   - createsDirectory: whether the data directory is made where it is missing. Only a command
  ///     that makes sense in an empty one does so: a mistyped `--data` should be an error.
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
    now = try SystemClock(settings.now).now()
    store = try openStore(dataDirectory: directory, ownsSessions: false)
  }

  func catalog() throws -> Catalog {
    guard let catalog = try store.catalog(unlessVersion: nil) else {
      preconditionFailure("A catalog that is asked for without a version is always returned.")
    }
    return catalog
  }

  /// The address that DSNs are printed with: as set here, else as the service last ran under it.
  func server(_ catalog: Catalog) -> WebAddress {
    settings.publicURL ?? catalog.publicURL.flatMap { WebAddress(publicURL: $0) }
      ?? Self.usualAddress
  }
}

extension Catalog {
  /// The organization that `--org` means. Where it is not given, that is the only one there is,
  /// or else `default`.
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
    throw .failed("There is no organization '\(slug)'. There is: \(slugs).")
  }

  /// The project that an argument means: its number, or its slug within an organization.
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
          + (own.isEmpty ? "It has none." : "There is: \(slugs)."))
    }
    return project
  }

  /// A project's keys, in the order of their making.
  func keys(of project: Project) -> [ProjectKey] {
    keys.filter { $0.project == project.id }
      .sorted { ($0.created, $0.publicKey) < ($1.created, $1.publicKey) }
  }
}
