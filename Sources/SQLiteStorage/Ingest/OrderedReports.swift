internal import ReleaseHealth
internal import Storage

/// Reports that are added in any order and taken in the order of their sessions' keys.
///
/// They are sorted in pieces as they come, and the pieces are merged as they are taken: sorting
/// thousands at once would block a batch for milliseconds.
struct OrderedReports {
  /// Ascending, non-empty pieces, in descending order of their first reports.
  private var pieces: [ArraySlice<SessionReport>] = []
  /// Reports that do not fill a piece yet.
  private var open: [SessionReport] = []
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  private static let pieceMax = 512

  mutating func append(contentsOf reports: [SessionReport]) {
    count += reports.count
    var rest = reports[...]
    while !rest.isEmpty {
      let part = rest.prefix(Self.pieceMax - open.count)
      open += part
      rest = rest.dropFirst(part.count)
      if open.count == Self.pieceMax { closePiece() }
    }
  }

  /// Removes and returns the reports with the lowest keys.
  mutating func take(max: Int) -> [SessionReport] {
    if !open.isEmpty { closePiece() }
    var taken: [SessionReport] = []
    taken.reserveCapacity(min(max, count))
    while taken.count < max, var piece = pieces.popLast() {
      taken.append(piece.removeFirst())
      insert(&piece)
    }
    count -= taken.count
    return taken
  }

  /// Calls `body` with each report, in no particular order.
  func forEach(_ body: (SessionReport) throws(StoreError) -> Void) throws(StoreError) {
    for piece in pieces { for report in piece { try body(report) } }
    for report in open { try body(report) }
  }

  private mutating func closePiece() {
    open.sort(by: Self.isOrdered)
    var piece = open[...]
    insert(&piece)
    open = []
  }

  /// Inserts a piece in the order of the first reports.
  private mutating func insert(_ piece: inout ArraySlice<SessionReport>) {
    guard let first = piece.first else { return }
    var (low, high) = (0, pieces.count)
    while low < high {
      let middle = (low + high) / 2
      if Self.isOrdered(first, pieces[middle][pieces[middle].startIndex]) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    pieces.insert(piece, at: low)
  }

  /// The order of the keys of `session`: sessions close in time are close on disk.
  private static func isOrdered(_ left: SessionReport, _ right: SessionReport) -> Bool {
    if left.started != right.started { return left.started < right.started }
    if left.sessionID.value != right.sessionID.value {
      return left.sessionID.value < right.sessionID.value
    }
    return left.series < right.series
  }
}
