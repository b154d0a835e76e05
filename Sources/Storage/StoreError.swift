/// Why a store could not do it.
///
/// The first three are the database's: `operation` names what was tried, `reason` is the database's
/// text. The next are the caller's to mend (``isRefusal``). The next are a file's that is not
/// opened. The last is no error of the store.
package enum StoreError: Error, Equatable, Sendable {
  /// The disk, or the database's own limit, is full: it may work again once there is room.
  case full(operation: String, reason: String)
  /// The file cannot be read or written now.
  case unavailable(operation: String, reason: String)
  /// The file is not a database, or a damaged one.
  case corrupt(operation: String, reason: String)

  /// There can be one of it, and it is there already.
  case conflict(StoreItem)
  case notFound(StoreItem)
  /// It was revoked before.
  case revoked(StoreItem)
  /// Alert rules name the channel.
  case channelInUse(rules: [String])
  case releaseHasSessions
  /// The organization has as many alert rules as it may have.
  case ruleLimitReached(Int)
  /// The operators' file declares the alert rule, and alone can change it.
  case ruleDeclared(String)
  /// The organization's last good token of scope admin is not revoked.
  case lastAdminToken(String)

  /// The file has a newer schema than this program.
  case newerSchema(path: String, version: Int64, known: Int64)
  /// The file is another program's database.
  case foreignDatabase(path: String)
  case emptyDatabase(path: String)
  /// A change was cut off, and only who may write can take it back.
  case interruptedChange(path: String)

  /// The query had to end.
  case stopped(QueryStop)

  /// The request is valid, and the stored state does not allow it.
  package var isRefusal: Bool {
    switch self {
    case .conflict, .notFound, .revoked, .channelInUse, .releaseHasSessions, .ruleLimitReached,
      .ruleDeclared, .lastAdminToken:
      true
    case .full, .unavailable, .corrupt, .newerSchema, .foreignDatabase, .emptyDatabase,
      .interruptedChange, .stopped:
      false
    }
  }

  /// For clients: without paths, SQL and the database's text, which the log has.
  package var publicSentence: String {
    switch self {
    case .full: "the disk is full"
    case .unavailable: "the database cannot be used now"
    case .corrupt: "the database is damaged"
    case .newerSchema, .foreignDatabase, .emptyDatabase, .interruptedChange:
      "the database cannot be opened"
    case .conflict, .notFound, .revoked, .channelInUse, .releaseHasSessions, .ruleLimitReached,
      .ruleDeclared, .lastAdminToken, .stopped:
      sentence
    }
  }

  /// For the operator: what is, without advice. It may name a file.
  package var sentence: String {
    switch self {
    case .full(let operation, let reason):
      "The disk or the database is full (\(operation): \(reason)). It works again once there is room."
    case .unavailable(let operation, let reason):
      "The database cannot be used now (\(operation): \(reason))."
    case .corrupt(let operation, let reason):
      "The file is not a database, or damaged (\(operation): \(reason))."
    case .conflict(let item): "\(item.phrase) exists already"
    case .notFound(.objective): "the project has no objective to remove"
    case .notFound(.key(let key)): "there is no key \(key) to revoke"
    case .notFound(let item): "there is no \(item.name)"
    case .revoked(let item): "the \(item.name) is revoked already"
    case .channelInUse(let rules):
      "the channel is notified by the alert rules "
        + rules.map { "'\($0)'" }.joined(separator: ", ") + ": take it out of them first"
    // Sentry's words.
    case .releaseHasSessions: "This release has health data and cannot be removed."
    case .ruleLimitReached(let most): "there are \(most) rules already, and no more are accepted"
    case .ruleDeclared(let name): "the rule '\(name)' is declared in the operators' file"
    case .lastAdminToken(let name):
      "the token '\(name)' is the last one of scope admin: without it nothing could be changed over "
        + "the API"
    case .newerSchema(let path, let version, let known):
      "\(path) has schema version \(version), newer than the \(known) that this hale knows"
    case .foreignDatabase(let path): "\(path) is a database, but not one of Hale's"
    case .emptyDatabase(let path): "\(path) is empty: there is no database of Hale in it"
    case .interruptedChange(let path): "\(path) was left in the middle of a change"
    case .stopped(let stop): "the query was stopped (\(stop.rawValue))"
    }
  }
}

/// A thing that a store keeps once, with its unique name.
package enum StoreItem: Equatable, Sendable {
  case organization(String)
  case project(String)
  case projectID(Int64)
  case key(String)
  case token(String)
  /// A token by its secret, which no sentence shows.
  case tokenSecret
  case channel(String)
  case rule(String)
  /// The objective of a project, which has one at most.
  case objective

  /// With its article, where it has one.
  fileprivate var phrase: String {
    switch self {
    case .organization, .project: name
    case .projectID(let id): "a project with the id \(id)"
    case .key(let key): "the key \(key)"
    case .token(let name): "a token named '\(name)'"
    case .tokenSecret: "this token"
    case .channel(let name): "a channel named '\(name)'"
    case .rule(let name): "a rule named '\(name)'"
    case .objective: "an objective"
    }
  }

  fileprivate var name: String {
    switch self {
    case .organization(let slug): "organization '\(slug)'"
    case .project(let slug): "project '\(slug)'"
    case .projectID(let id): "project with the id \(id)"
    case .key(let key): "key \(key)"
    case .token(let name): "token '\(name)'"
    case .tokenSecret: "token"
    case .channel(let name): "channel '\(name)'"
    case .rule(let name): "rule '\(name)'"
    case .objective: "objective"
    }
  }
}
