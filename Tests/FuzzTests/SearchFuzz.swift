import API
import ReleaseHealth
import Storage

@testable import Queries

/// Searches over sessions and releases, and patterns. The first line of the input is the search,
/// the second the name of a release.
func fuzzSearch(_ input: [UInt8]) {
  let lines = input.split(separator: 0x0a, maxSplits: 1, omittingEmptySubsequences: false)
  guard let first = lines.first else { return }
  let text = String(decoding: first, as: UTF8.self)
  let name = lines.count > 1 ? String(decoding: lines[1], as: UTF8.self) : "shop@1.2.3"

  if text.utf8.count <= 40, name.utf8.count <= 40 {
    precondition(TextPattern(text).matches(name) == matches(text, name), "As it is read.")
  }

  let series = [
    SeriesKey(project: ProjectID(rawValue: 1), release: name, environment: "production"),
    SeriesKey(project: ProjectID(rawValue: 2), release: name, environment: nil),
  ]
  // Terms about stages need a single environment.
  let environments = EnvironmentSelection(["production"])
  if let search = try? ReleaseSearch(text, environments: environments) {
    for filter in [search.ofFinalized, search.ofOthers] {
      _ = filter.matches(series[0], stage: .adopted)
    }
  }
  guard let search = try? SearchQuery(text, projects: projects, environments: environments)
  else { return }
  let found = series.map { search.filter.matches($0) }
  // What a matcher keeps between series changes nothing.
  var matcher = SeriesMatcher(search.filter)
  precondition(found + found == (series + series).map { matcher.matches($0) })
  // Nor do parentheses around a search, but for their limit.
  if let inner = try? SearchQuery("(\(text))", projects: projects, environments: environments) {
    precondition(found == series.map { inner.filter.matches($0) })
    precondition(inner.statuses == search.statuses)
  }
}

private let projects = ["shop", "till"].enumerated().map { index, slug in
  Project(
    id: ProjectID(rawValue: Int64(index + 1)), organization: OrganizationID(rawValue: 1),
    slug: slug, settings: ProjectSettings(), created: Timestamp(milliseconds: 0))
}

/// Whether a text matches a pattern, character by character: the plain algorithm.
private func matches(_ pattern: String, _ text: String) -> Bool {
  guard pattern.utf8.contains(UInt8(ascii: "*")) else {
    return pattern.utf8.elementsEqual(text.utf8)
  }
  let pattern = Array(pattern.lowercased().utf8)
  // What each beginning of the pattern matches of the text so far.
  var ends = [Bool](repeating: false, count: pattern.count + 1)
  ends[0] = true
  for (index, byte) in pattern.enumerated() where byte == UInt8(ascii: "*") {
    ends[index + 1] = ends[index]
  }
  for byte in text.lowercased().utf8 {
    var next = [Bool](repeating: false, count: pattern.count + 1)
    for (index, expected) in pattern.enumerated() {
      next[index + 1] =
        expected == UInt8(ascii: "*")
        ? ends[index + 1] || next[index] : ends[index] && expected == byte
    }
    ends = next
  }
  return ends[pattern.count]
}
