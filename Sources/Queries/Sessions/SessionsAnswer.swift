internal import API
internal import Bytes
package import Storage
import ReleaseHealth

/// The answer to a ``SessionsRequest``: the groups of its page, in their order.
package struct SessionsAnswer: Sendable {
  /// A group of the answer.
  private struct Group {
    var health: HealthGroup
    /// The severities that count; nil for all.
    var statuses: SeveritySet?
    /// The `session.status` in `by`; nil when the request does not group by it.
    var status: Severity?
  }

  /// Whether further groups follow after this page.
  package let hasMore: Bool
  private let request: SessionsRequest
  private var groups: [Group]

  /// Queries the store. Blocks.
  package init(_ request: SessionsRequest, store: any SessionReading) throws(StoreError) {
    if request.matchesNothing {
      self.init(request, groups: [])
    } else if request.isRankedFirst {
      self.init(request, groups: try store.health(request.rankingQuery()))
      let page = Set(groups.map(\.health.key))
      if !page.isEmpty { fill(try store.health(request.healthQuery(of: page))) }
    } else {
      self.init(request, groups: try store.health(request.healthQuery()))
    }
  }

  /// Whether nothing was counted.
  var isNothingFound: Bool { groups.allSatisfy { $0.health.totals == HealthCell() } }

  /// Replaces the counts that ranked the groups of the page: totals and series of one answer come
  /// from one read of the database.
  private mutating func fill(_ counted: [HealthGroup]) {
    let counted = Dictionary(uniqueKeysWithValues: counted.map { ($0.key, $0) })
    for index in groups.indices {
      let key = groups[index].health.key
      groups[index].health =
        counted[key]
        ?? HealthGroup(
          key: key, totals: HealthCell(),
          series: Array(repeating: HealthCell(), count: request.range.bucketStarts.count))
    }
  }

  /// - Parameter groups: the result of ``SessionsRequest/healthQuery()``, in any order.
  package init(_ request: SessionsRequest, groups: [HealthGroup]) {
    self.request = request
    let all = Self.allGroups(request, groups)
    let page = all.dropFirst(request.page.offset)
    self.groups = Array(page.prefix(request.page.size))
    hasMore = page.count > request.page.size
  }

  /// - Parameter url: the URL of the request, with its query.
  package func linkHeader(url: String) -> String {
    request.page.linkHeader(url: url, hasMore: hasMore)
  }

  /// The body of the answer.
  package var json: [UInt8] {
    let buckets = request.range.bucketStarts.count
    let numbers = request.includesSeries ? groups.count * request.fields.count * buckets : 0
    // A time takes 23 bytes, a count 2, most rates 4 or about 20.
    var json = JSONWriter(reserving: 1000 + buckets * 23 + numbers * 12)
    json.object { json in
      json.member("start", request.range.start)
      json.member("end", request.range.end)
      json.member("query", request.search.text)
      if let release = request.search.latest { json.member("latestRelease", release) }
      json.member("intervals", request.range.bucketStarts)
      json.array("groups") { json in
        for group in groups { write(group, to: &json) }
      }
    }
    return json.bytes
  }

  private func write(_ group: Group, to json: inout JSONWriter) {
    json.object { json in
      json.object("by") { json in
        group.health.key.writeMembers(to: &json)
        if let status = group.status { json.member("session.status", status.name) }
      }
      if request.includesTotals {
        json.object("totals") { json in
          for field in request.fields {
            let value = field.value(in: group.health.totals, statuses: group.statuses)
            json.member(field.rawValue, value)
          }
        }
      }
      if request.includesSeries {
        json.object("series") { json in
          for field in request.fields {
            json.key(field.rawValue)
            json.array(of: field.values(in: group.health.series, statuses: group.statuses))
          }
        }
      }
    }
  }

  /// All groups of the answer in their order, split by status where the request groups by it.
  private static func allGroups(_ request: SessionsRequest, _ groups: [HealthGroup]) -> [Group] {
    if request.matchesNothing { return [] }
    var groups = groups
    // As in Sentry, a request without `groupBy` always has a group; with it there are only groups
    // with data.
    if groups.isEmpty && request.groupBy.isEmpty {
      let count = request.includesSeries ? request.range.bucketStarts.count : 0
      groups = [
        HealthGroup(
          key: GroupKey(), totals: HealthCell(),
          series: Array(repeating: HealthCell(), count: count))
      ]
    }
    let statuses = request.search.statuses
    let ordered = sorted(groups, by: request.order, statuses: statuses)
    guard request.isGroupedByStatus else {
      return ordered.map { Group(health: $0, statuses: statuses, status: nil) }
    }
    // As in Sentry there are always all five, or all that the search selects.
    let shown = Severity.allCases.filter { statuses?.contains(SeveritySet($0)) ?? true }
      .sorted { $0.name < $1.name }
    return ordered.flatMap { group in
      shown.map { Group(health: group, statuses: SeveritySet($0), status: $0) }
    }
  }

  /// Sorts the groups. Groups without a value come last in either direction, and ties are ordered
  /// by their keys, so that pages of the same numbers never overlap.
  private static func sorted(
    _ groups: [HealthGroup], by order: SessionsRequest.Order, statuses: SeveritySet?
  ) -> [HealthGroup] {
    let ranks = groups.map { order.field.value(in: $0.totals, statuses: statuses).rank }
    // The indices are sorted, because moving groups is expensive.
    return groups.indices.sorted { left, right in
      switch (ranks[left], ranks[right]) {
      case (let left?, let right?) where left != right:
        order.isDescending ? left > right : left < right
      case (_?, nil): true
      case (nil, _?): false
      default: groups[left].key < groups[right].key
      }
    }
    .map { groups[$0] }
  }
}
