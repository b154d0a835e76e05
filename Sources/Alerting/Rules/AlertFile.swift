internal import API
internal import Bytes
package import ReleaseHealth
package import Storage

/// The operators' file of alert rules:
///
///     {"rules": [{"organization": "default", "name": "…", "projects": ["shop"], …}]}
///
/// A rule is written as for the API. The organization may be missing where there is only one, or
/// `default`. What nobody knows is refused: a mistyped name would be without effect.
package enum AlertFile {
  /// The reason why its rules are not applied.
  package enum Failure: Error, CustomStringConvertible {
    /// What is wrong with the file: where, and why.
    case file(String)
    /// What the store could not do; the same file may be taken the next time.
    case store(StoreError)

    fileprivate init(_ error: StoreError) {
      self =
        switch error {
        case .conflict(.rule(let name)):
          .file(
            "a rule named '\(name)' exists already that was made over the API: delete it, or give "
              + "another name")
        case let error where error.isRefusal: .file(error.sentence)
        default: .store(error)
        }
    }

    fileprivate static func node(_ bytes: [UInt8]) throws(Failure) -> JSONNode {
      do throws(JSONNode.Failure) {
        return try JSONNode(bytes)
      } catch {
        throw .file("line \(error.line): \(error.reason)")
      }
    }

    /// What the store throws, as a failure.
    fileprivate static func of<Value>(
      _ body: () throws(StoreError) -> Value
    ) throws(Failure) -> Value {
      do throws(StoreError) {
        return try body()
      } catch {
        throw Failure(error)
      }
    }

    package var description: String {
      switch self {
      case .file(let sentence): sentence
      case .store(let error): error.sentence
      }
    }
  }

  /// Makes the declared rules those of the file.
  ///
  /// - Parameter webURL: of the dashboard; nil while no address is known.
  /// - Returns: how many there are.
  package static func apply(
    _ bytes: [UInt8], catalog: Catalog, alerts: any AlertStore & NoticeStore, at now: Timestamp,
    webURL: String?
  ) throws(Failure) -> Int {
    let drafts = try read(bytes, catalog: catalog) { (organization) throws(StoreError) in
      try alerts.noticeChannels(of: organization)
    }
    try Failure.of { () throws(StoreError) in
      try alerts.declareAlertRules(drafts, at: now)
      try AlertNotice.enqueueAll(of: alerts, projects: catalog.projects, webURL: webURL)
    }
    return drafts.count
  }

  /// Checks the file against what a first start is about to create: it has no channels yet.
  package static func check(_ bytes: [UInt8], catalog: Catalog) throws(Failure) {
    _ = try read(bytes, catalog: catalog) { _ in [] }
  }

  /// The names of an organization's notification channels.
  private typealias Channels = (OrganizationID) throws(StoreError) -> Set<String>
  private typealias Drafts = [(organization: OrganizationID, draft: AlertRuleDraft)]

  private static func read(
    _ bytes: [UInt8], catalog: Catalog, channels: Channels
  ) throws(Failure) -> Drafts {
    let node = try Failure.node(bytes)
    guard case .object(let members) = node.value else {
      throw .file("line 1: it has to be an object with \"rules\"")
    }
    if let other = members.first(where: { $0.name != "rules" }) {
      throw .file(
        "line \(other.value.line): \"\(other.name)\" is unknown; there are only \"rules\"")
    }
    guard let rules = node["rules"] else { return [] }
    guard case .array(let elements) = rules.value else {
      throw .file("line \(rules.line): \"rules\" has to be a list")
    }
    var drafts: Drafts = []
    for element in elements {
      let draft = try Self.rule(element, catalog, channels)
      if drafts.contains(where: {
        $0.organization == draft.organization && $0.draft.name == draft.draft.name
      }) {
        throw .file("line \(element.line): there are two rules named '\(draft.draft.name)'")
      }
      drafts.append(draft)
    }
    return drafts
  }

  private static func rule(
    _ node: JSONNode, _ catalog: Catalog, _ channels: Channels
  ) throws(Failure) -> Drafts.Element {
    guard case .object = node.value else {
      throw .file("line \(node.line): a rule has to be an object")
    }
    var slug: String?
    if case .string(let text)? = node["organization"]?.value { slug = text }
    let organization =
      slug == nil && catalog.organizations.count == 1
      ? catalog.organizations[0]
      : catalog.organizations.first { $0.slug == slug ?? "default" }
    guard let organization else {
      throw .file("line \(node.line): organization: there is no '\(slug ?? "default")'")
    }
    var reader = AlertRuleReader(
      node, projects: catalog.projects.filter { $0.organization == organization.id })
    let draft = reader.draft(over: nil)
    reader.checkMembers(besides: ["organization"])
    if let draft {
      let channels = try Failure.of { () throws(StoreError) in
        try channels(organization.id)
      }
      reader.checkChannels(of: draft, among: channels)
      if reader.problems.isEmpty { return (organization.id, draft) }
    }
    throw .file(reader.sentence)
  }
}

/// A back-test for a command, without a service.
package enum AlertBackTest {
  /// - Parameters:
  ///   - name: of a rule; nil for the rule in `bytes`.
  ///   - bytes: one rule, as for the API.
  /// - Returns: the answer as the API gives it.
  package static func run(
    named name: String?, bytes: [UInt8], start: Timestamp, end: Timestamp,
    organization: Organization, projects: [Project],
    store: any ReleaseStore & OutcomeStore & AlertStore
  ) throws(AlertFile.Failure) -> [UInt8] {
    let draft: AlertRuleDraft
    if let name {
      let rules = try AlertFile.Failure.of { () throws(StoreError) in
        try store.alertRules(of: organization.id)
      }
      guard let rule = rules.first(named: name) else { throw .file("There is no rule '\(name)'.") }
      draft = rule.draft
    } else {
      draft = try read(bytes, projects)
    }
    if end.milliseconds - start.milliseconds > Int64(BackTest.daysMax) * 86_400_000 {
      throw .file("The range is longer than \(BackTest.daysMax) days.")
    }
    let test = BackTest(draft.rule, (start, end), organization.id)
    let answer = try AlertFile.Failure.of { () throws(StoreError) in
      try test.answer(store, store)
    }
    switch answer {
    case .success(let answer): return answer.json(of: test, name: draft.name)
    case .failure(let errors): throw .file(errors.sentence)
    }
  }

  private static func read(
    _ bytes: [UInt8], _ projects: [Project]
  ) throws(AlertFile.Failure) -> AlertRuleDraft {
    let node = try AlertFile.Failure.node(bytes)
    if node["rules"] != nil {
      throw .file("it has \"rules\": give the name of one that is there, or a file with one rule")
    }
    var reader = AlertRuleReader(node, projects: projects)
    reader.needsName = false
    let draft = reader.draft(over: nil)
    reader.checkMembers()
    guard let draft, reader.problems.isEmpty else { throw .file(reader.sentence) }
    return draft
  }
}
