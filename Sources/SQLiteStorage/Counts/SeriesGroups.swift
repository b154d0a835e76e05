/// The group of each selected series, by the id of the series.
///
/// Ids are given one after the other, so that a table by id is mostly full where many series are
/// selected; few have a dictionary.
struct SeriesGroups {
  /// The groups from ``first`` on; -1 for series that are not selected.
  private var table: [Int32] = []
  private var first: Int64 = 0
  private var few: [Int64: Int32] = [:]

  /// The most places of the table for each series in it.
  private static let placesMax = 8

  init(_ members: [SelectedSeries.Member]) {
    guard var last = members.first?.id else { return }
    first = last
    for member in members {
      first = min(first, member.id)
      last = max(last, member.id)
    }
    guard last - first < Int64(members.count * Self.placesMax) else {
      few = Dictionary(uniqueKeysWithValues: members.lazy.map { ($0.id, $0.group) })
      return
    }
    table = Array(repeating: -1, count: Int(last - first) + 1)
    for member in members { table[Int(member.id - first)] = member.group }
  }

  /// - Returns: nil for a series that is not selected.
  subscript(id: Int64) -> Int? {
    if table.isEmpty { return few[id].map { Int($0) } }
    guard id >= first, id - first < Int64(table.count) else { return nil }
    let group = table[Int(id - first)]
    return group < 0 ? nil : Int(group)
  }
}
