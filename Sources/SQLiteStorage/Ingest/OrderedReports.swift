/// Updates that come in any order and are taken out in that of their sessions' keys.
///
/// They are sorted in pieces as they come, and the pieces are merged as they are taken: to sort
/// thousands at once would hold up a batch for milliseconds.
struct OrderedUpdates {
  /// Each ascending, none empty; ordered by their first updates, the least last.
  private var pieces: [ArraySlice<PendingUpdate>] = []
  /// What is no whole piece yet.
  private var open: [PendingUpdate] = []
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  private static let pieceMax = 512

  mutating func append(contentsOf updates: [PendingUpdate]) {
    count += updates.count
    var rest = updates[...]
    while !rest.isEmpty {
      let part = rest.prefix(Self.pieceMax - open.count)
      open += part
      rest = rest.dropFirst(part.count)
      if open.count == Self.pieceMax { closePiece() }
    }
  }

  /// Takes out those with the least keys.
  mutating func take(max: Int) -> [PendingUpdate] {
    if !open.isEmpty { closePiece() }
    var taken: [PendingUpdate] = []
    taken.reserveCapacity(min(max, count))
    while taken.count < max, var piece = pieces.popLast() {
      taken.append(piece.removeFirst())
      insert(&piece)
    }
    count -= taken.count
    return taken
  }

  private mutating func closePiece() {
    open.sort(by: PendingUpdate.isOrdered)
    var piece = open[...]
    insert(&piece)
    open = []
  }

  /// Puts a piece where its first update belongs.
  private mutating func insert(_ piece: inout ArraySlice<PendingUpdate>) {
    guard let first = piece.first else { return }
    var (low, high) = (0, pieces.count)
    while low < high {
      let middle = (low + high) / 2
      if PendingUpdate.isOrdered(first, pieces[middle][pieces[middle].startIndex]) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    pieces.insert(piece, at: low)
  }
}
