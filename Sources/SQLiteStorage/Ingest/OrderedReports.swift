internal import ReleaseHealth

/// Reports that come in any order and are taken out in that of their sessions' keys.
///
/// They are sorted in pieces as they come, and the pieces are merged as they are taken: to sort
/// thousands at once would hold up a batch for milliseconds.
struct OrderedReports {
  /// Each ascending, none empty; ordered by their first reports, the least last.
  private var pieces: [ArraySlice<SessionReport>] = []
  /// What is no whole piece yet.
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

  /// Takes out those with the least keys.
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

  private mutating func closePiece() {
    open.sort(by: Self.isOrdered)
    var piece = open[...]
    insert(&piece)
    open = []
  }

  /// Puts a piece where its first report belongs.
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

  /// The order of the keys of `session`: neighbours on disk are neighbours in time.
  private static func isOrdered(_ left: SessionReport, _ right: SessionReport) -> Bool {
    if left.started != right.started { return left.started < right.started }
    if left.sessionID.value != right.sessionID.value {
      return left.sessionID.value < right.sessionID.value
    }
    return left.series < right.series
  }
}
