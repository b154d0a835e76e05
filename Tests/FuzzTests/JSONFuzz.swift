import Bytes
import FoundationEssentials
import ReleaseHealth
import Storage

@testable import Alerting

/// Documents as trees, and the bodies that the API and the file of alert rules take.
func fuzzJSON(_ input: [UInt8]) {
  do throws(AlertFile.Failure) {
    try AlertFile.check(input, catalog: catalog)
  } catch {
    precondition(!error.description.isEmpty)
  }
  let node: JSONNode
  do throws(JSONNode.Failure) {
    node = try JSONNode(input)
  } catch {
    precondition(error.line >= 1 && error.line <= input.count { $0 == 0x0a } + 1)
    return
  }
  // The two readers of the same text agree.
  var json = JSONReader()
  let skipped: Void? = try? json.skipValue(input.span, depth: 0)
  let ended: Void? = try? json.end(input.span)
  precondition(skipped != nil && ended != nil)
  let text = JSONWriter.document { write(node, &$0) }
  guard let again = try? JSONNode(text) else { preconditionFailure("What is written is read.") }
  precondition(JSONWriter.document { write(again, &$0) } == text)
  if node["kind"] != nil { fuzzChannel(input) } else { fuzzRule(node) }
}

private func write(_ node: JSONNode, _ json: inout JSONWriter) {
  switch node.value {
  case .null: json.null()
  case .boolean(let truth): json.value(truth)
  case .number(let number): json.value(number)
  case .string(let text): json.value(text)
  case .array(let elements): json.array { json in for each in elements { write(each, &json) } }
  case .object(let members):
    json.object { json in
      for (name, value) in members {
        json.key(name)
        write(value, &json)
      }
    }
  }
}

private func fuzzRule(_ node: JSONNode) {
  var reader = AlertRuleReader(node, projects: catalog.projects)
  reader.checkMembers()
  guard let draft = reader.draft(over: nil) else {
    precondition(!reader.problems.isEmpty)
    return
  }
  precondition(draft.rule.problems.isEmpty && draft.rule.critical.isFinite)
  // A change without members changes nothing.
  var same = AlertRuleReader(JSONNode(value: .object([]), line: 1), projects: catalog.projects)
  precondition(same.draft(over: draft)?.rule == draft.rule)
}

/// What is accepted is stored and read back the same.
private func fuzzChannel(_ input: [UInt8]) {
  guard let form = try? JSONDecoder().decode(ChannelForm.self, from: Data(input)) else { return }
  let checked = form.checked(newSecret: String(repeating: "s", count: 40))
  guard checked.faults.isEmpty else { return }
  guard let settings = checked.settings else { preconditionFailure("A channel has settings.") }
  let channel = NoticeChannel(
    id: 1, organization: OrganizationID(rawValue: 1), name: checked.name, kind: settings.kind,
    settings: settings.stored, created: Timestamp(milliseconds: 0))
  precondition(ChannelSettings(channel) == settings)
  precondition(settings.target.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
}

private let catalog = Catalog(
  version: 1,
  organizations: [
    Organization(
      id: OrganizationID(rawValue: 1), slug: "default", created: Timestamp(milliseconds: 0))
  ],
  projects: ["shop", "till"].enumerated().map { index, slug in
    Project(
      id: ProjectID(rawValue: Int64(index + 1)), organization: OrganizationID(rawValue: 1),
      slug: slug, settings: ProjectSettings(), created: Timestamp(milliseconds: 0))
  },
  keys: [], tokens: [], userHashKey: [UInt8](repeating: 0, count: 32), publicURL: nil)
