internal import Bytes
internal import API
package import ReleaseHealth
package import Storage

/// The operators' file of alert rules:
///
///     {"rules": [{"organization": "default", "name": "…", "projects": ["shop"], …}]}
///
/// A rule is written as for the API. The organization may be missing where there is only one, or
/// `default`. What nobody knows is refused: a mistyped name would be without effect.
package enum AlertFile {
  /// Why its rules are not taken.
  package enum Failure: Error, CustomStringConvertible {
    /// What is wrong with the file: where, and why.
    case file(String)
    /// What the store could not do; the same file may be taken the next time.
    case store(StoreError)

    init(_ error: StoreError) {
      self = if case .refused(let sentence) = error { .file(sentence) } else { .store(error) }
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
    _ bytes: [UInt8], catalog: Catalog, alerts: any AlertStore, at now: Timestamp, webURL: String?
  ) throws(Failure) -> Int {
    do throws(StoreError) {
      let drafts = try read(bytes, catalog: catalog, alerts: alerts).get()
      try alerts.declareAlertRules(
        drafts, at: now,
        telling: { rule, incident in
          let stays = drafts.contains {
            $0.organization == rule.organization && $0.draft.name == rule.draft.name
          }
          return AlertNotice.end(
            of: rule, incident, stays ? .ruleChanged : .ruleDeleted, at: now,
            projects: catalog.projects, webURL: webURL)
        })
      return drafts.count
    } catch {
      throw Failure(error)
    }
  }

  private typealias Drafts = [(organization: OrganizationID, draft: AlertRuleDraft)]

  private static func read(
    _ bytes: [UInt8], catalog: Catalog, alerts: any AlertStore
  ) throws(StoreError) -> Result<Drafts, StoreError> {
    let node: JSONNode
    do throws(JSONNode.Failure) {
      node = try JSONNode(bytes)
    } catch {
      return .failure(.refused("line \(error.line): \(error.reason)"))
    }
    guard case .object(let members) = node.value else {
      return .failure(.refused("line 1: it has to be an object with \"rules\""))
    }
    if let other = members.first(where: { $0.name != "rules" }) {
      return .failure(unknown(other.name, other.value.line, "only \"rules\""))
    }
    guard let rules = node["rules"] else { return .success([]) }
    guard case .array(let elements) = rules.value else {
      return .failure(.refused("line \(rules.line): \"rules\" has to be a list"))
    }
    var drafts: Drafts = []
    for element in elements {
      let draft = try Self.rule(element, catalog, alerts).get()
      if drafts.contains(where: {
        $0.organization == draft.organization && $0.draft.name == draft.draft.name
      }) {
        return .failure(
          .refused("line \(element.line): there are two rules named '\(draft.draft.name)'"))
      }
      drafts.append(draft)
    }
    return .success(drafts)
  }

  private static func rule(
    _ node: JSONNode, _ catalog: Catalog, _ alerts: any AlertStore
  ) throws(StoreError) -> Result<Drafts.Element, StoreError> {
    guard case .object(let members) = node.value else {
      return .failure(.refused("line \(node.line): a rule has to be an object"))
    }
    var slug: String?
    if case .string(let text)? = node["organization"]?.value { slug = text }
    let organization =
      slug == nil && catalog.organizations.count == 1
      ? catalog.organizations[0]
      : catalog.organizations.first { $0.slug == slug ?? "default" }
    guard let organization else {
      return .failure(
        .refused(
          "line \(node.line): organization: there is no '\(slug ?? "default")'"))
    }
    var reader = AlertRuleReader(
      node, projects: catalog.projects.filter { $0.organization == organization.id })
    let draft = reader.draft(over: nil)
    for other in members
    where other.name != "organization" && !AlertRuleReader.members.contains(other.name) {
      let known = AlertRuleReader.members.union(["organization"]).sorted()
      reader.add(other.name, "It is unknown; there are \(known.joined(separator: ", ")).")
    }
    if let draft {
      reader.checkChannels(of: draft, among: try alerts.noticeChannels(of: organization.id))
      if reader.problems.isEmpty { return .success((organization.id, draft)) }
    }
    return .failure(.refused(reader.sentence))
  }

  private static func unknown(_ name: String, _ line: Int, _ known: String) -> StoreError {
    .refused("line \(line): \"\(name)\" is unknown; there are \(known)")
  }
}

/// A back-test for a command, which asks no service.
package enum AlertBackTest {
  /// - Parameters:
  ///   - name: of a rule; nil for the rule in `bytes`.
  ///   - bytes: one rule, as for the API.
  /// - Returns: the answer as the API gives it.
  package static func run(
    named name: String?, bytes: [UInt8], start: Timestamp, end: Timestamp,
    organization: Organization, projects: [Project], store: any ReleaseStore & AlertStore
  ) throws(AlertFile.Failure) -> [UInt8] {
    do throws(StoreError) {
      let draft: AlertRuleDraft
      if let name {
        guard let rule = try store.alertRules(of: organization.id).first(named: name) else {
          throw .refused("There is no rule '\(name)'.")
        }
        draft = rule.draft
      } else {
        draft = try read(bytes, projects).get()
      }
      if end.milliseconds - start.milliseconds > Int64(BackTest.daysMax) * 86_400_000 {
        throw .refused("The range is longer than \(BackTest.daysMax) days.")
      }
      let test = BackTest(draft.rule, (start, end), organization.id)
      switch try test.answer(store, store) {
      case .success(let answer): return answer.json(of: test, name: draft.name)
      case .failure(let problem): throw .refused("\(problem.field): \(problem.reason)")
      }
    } catch {
      throw AlertFile.Failure(error)
    }
  }

  private static func read(
    _ bytes: [UInt8], _ projects: [Project]
  ) -> Result<AlertRuleDraft, StoreError> {
    do throws(JSONNode.Failure) {
      let node = try JSONNode(bytes)
      if node["rules"] != nil {
        return .failure(
          .refused("it has \"rules\": give the name of one that is there, or a file with one rule"))
      }
      var reader = AlertRuleReader(node, projects: projects)
      reader.needsName = false
      if let draft = reader.draft(over: nil) { return .success(draft) }
      return .failure(.refused(reader.sentence))
    } catch {
      return .failure(.refused("line \(error.line): \(error.reason)"))
    }
  }
}
