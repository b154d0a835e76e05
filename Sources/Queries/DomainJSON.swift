internal import Bytes
internal import ReleaseHealth
internal import Storage

extension SessionCounts: JSONWritable {
  /// Writes the five statuses, and their sum.
  func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("total", total)
      for severity in Severity.allCases { json.member(severity.name, self[severity]) }
    }
  }
}

extension GroupKey {
  /// Writes the members of `by` in answers with groups.
  func writeMembers(to json: inout JSONWriter) {
    if let project { json.member("project", project.rawValue) }
    if let release { json.member("release", release) }
    if let environment { json.member("environment", environment) }
  }
}
