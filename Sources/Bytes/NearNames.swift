/// Finds the known names that may be meant by a name that is unknown.
package enum NearNames {
  private static let shownMax = 3
  /// Longer names are compared with none, so that a comparison stays short.
  private static let bytesMax = 250
  /// The number of names of which those that are near are looked for, so that an error takes no
  /// second: of releases these are the newest.
  private static let comparedMax = 5000

  /// Whether one name is the other with a slip of the hand: both have the same letters and digits
  /// but for their case, or some are missing, added, wrong or exchanged with their neighbours: one
  /// of four to nine, two of ten to fourteen, and so on; of three only an exchange. `project_id` is
  /// no slip of `project`.
  package static func isSlip(_ name: String, of other: String) -> Bool {
    isSlip(name, ofAny: Plain([other]))
  }

  /// Names to be compared with many others.
  package struct Plain {
    fileprivate let names: [[UInt8]]

    package init(_ names: [String]) {
      self.names = names.map(NearNames.plain)
    }
  }

  /// Whether one of the names has the other as a slip of the hand.
  package static func isSlip(_ name: String, ofAny names: Plain) -> Bool {
    let given = plain(name)
    return names.names.contains { slips(given, $0) != nil }
  }

  /// Whether a name of three letters or more is the beginning of another one, as `env` is of
  /// `environment`.
  package static func isBeginning(_ name: String, of other: String) -> Bool {
    let (given, known) = (plain(name), plain(other))
    return given.count >= 3 && given.count < known.count && known.starts(with: given)
  }

  /// The names nearest to a name, best first, at most three: slips of the hand, then those that
  /// begin or end with the name, as `production` with `prod`, or are a beginning or end of it. Of
  /// very many names only the first ones are looked at.
  package static func near(_ name: String, among names: some Sequence<String>) -> [String] {
    let given = plain(name)
    var found: [(rank: Int, name: String)] = []
    for other in names.prefix(comparedMax) where !other.utf8.elementsEqual(name.utf8) {
      let known = plain(other)
      if let slips = slips(given, known) {
        found.append((slips, other))
      } else if min(given.count, known.count) >= 3,
        given.starts(with: known) || known.starts(with: given)
          || given.reversed().starts(with: known.reversed())
          || known.reversed().starts(with: given.reversed())
      {
        found.append((bytesMax + abs(given.count - known.count), other))
      }
    }
    found.sort { ($0.rank, $0.name) < ($1.rank, $1.name) }
    return found.prefix(shownMax).map(\.name)
  }

  /// The sentence about an unknown name, with the near ones and those that there are:
  /// `There is no environment "prod"; near: "production". There are production, staging.`
  ///
  /// - Parameters:
  ///   - kind: what is named, as in "parameter".
  ///   - near: the near names, of which the first three are named; nil for those near by letters.
  ///   - listed: the number of names of which the others are only counted.
  package static func sentence(
    _ kind: String, _ name: String, near: [String]? = nil, among names: [String], listed: Int = 20
  ) -> String {
    "There is no \(kind) \"\(name)\""
      + choices(
        near: near ?? self.near(name, among: names), among: names, listed: listed,
        none: "no \(kind)s")
  }

  /// The end of a sentence about an unknown name: `; near: "groupBy". There are field, groupBy.`
  package static func choices(
    near name: String, among names: [String], listed: Int = 20
  ) -> String {
    choices(near: near(name, among: names), among: names, listed: listed, none: "none")
  }

  private static func choices(
    near: [String], among names: [String], listed: Int, none: String
  ) -> String {
    let near = near.prefix(shownMax).map { "\"\($0)\"" }
    let shown = names.prefix(listed).map { $0.isEmpty ? "\"\"" : $0 }.joined(separator: ", ")
    let rest = names.count > listed ? " and \(names.count - listed) more" : ""
    let verb = names.count == 1 ? "is only" : "are"
    return (near.isEmpty ? "" : "; near: ") + near.joined(separator: ", ") + ". "
      + (names.isEmpty ? "There are \(none)." : "There \(verb) \(shown)\(rest).")
  }

  /// The letters and digits in lower case. Bytes beyond ASCII stay as they are.
  private static func plain(_ name: String) -> [UInt8] {
    name.utf8.compactMap { byte in
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
      case 0x80...: byte
      default: byte.isAlphanumeric ? byte : nil
      }
    }
  }

  /// The number of slips between two plain names; nil if they are too many.
  private static func slips(_ one: [UInt8], _ other: [UInt8]) -> Int? {
    let length = max(one.count, other.count)
    if length == 3, one != other { return one.sorted() == other.sorted() ? 1 : nil }
    let most = length < 4 ? 0 : max(1, length / 5)
    guard length > 0, length <= bytesMax, abs(one.count - other.count) <= most else { return nil }
    // Names of one application begin alike, and there may be thousands.
    let start = zip(one, other).prefix { $0 == $1 }.count
    let (one, other) = (one.dropFirst(start), other.dropFirst(start))
    let end = zip(one.reversed(), other.reversed()).prefix { $0 == $1 }.count
    return distance(Array(one.dropLast(end)), Array(other.dropLast(end)), max: most)
  }

  /// The edit distance in which an exchange of neighbours counts once (optimal string alignment);
  /// nil where it exceeds `max`.
  private static func distance(_ one: [UInt8], _ other: [UInt8], max: Int) -> Int? {
    var before: [Int] = []
    var last = Array(0...other.count)
    for row in one.indices {
      var next = [row + 1]
      for column in other.indices {
        let isSame = one[row] == other[column]
        var least = min(last[column] + (isSame ? 0 : 1), last[column + 1] + 1, next[column] + 1)
        if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
          least = min(least, before[column - 1] + 1)
        }
        next.append(least)
      }
      (before, last) = (last, next)
      // An exchange reaches back two rows.
      if !before.contains(where: { $0 <= max }), !last.contains(where: { $0 <= max }) { return nil }
    }
    return last[other.count] <= max ? last[other.count] : nil
  }
}
