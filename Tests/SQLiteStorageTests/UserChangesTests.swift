import Bytes
import TestSupport
import Testing

@testable import SQLiteStorage

@Suite struct UserChangesTests {
  /// Parts of random changes, packed and merged in any way, have the same sums as a dictionary.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func changesAddUp(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var sums: [UserChanges.Key: Int64] = [:]
    var parts: [UserChanges] = []
    for _ in 0..<12 {
      var changes: [UserChanges.Key: Int64] = [:]
      for _ in 0..<Int.random(in: 0...40, using: &random) {
        let kind = UserKind.allCases.randomElement(using: &random) ?? .healthy
        let user = UInt32.random(in: 0...30, using: &random) &* 143_165_576
        changes[UserChanges.Key(kind: kind, user: user)] =
          [1, 1, 1, -1, 5, 1 << 50, -1 << 50].randomElement(using: &random)
      }
      for (key, sessions) in changes { sums[key] = UserChanges.sum(sums[key] ?? 0, sessions) }
      let part = UserChanges(changes.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 })
      let read = UserChanges(packed: part.packed)
      #expect(read.changes.map(\.key) == part.changes.map(\.key))
      #expect(read.changes.map(\.sessions) == part.changes.map(\.sessions))
      if Bool.random(using: &random), let last = parts.popLast() {
        parts.append(last.merged(with: read))
      } else {
        parts.append(read)
      }
    }
    let found = UserChanges.sums(parts)
    for key in Set(found.keys).union(sums.keys) { #expect(found[key] ?? 0 == sums[key] ?? 0) }
    var present: Set<UserChanges.Key> = []
    UserChanges.forEachUser(parts) { #expect(present.insert($0).inserted) }
    #expect(present == Set(sums.filter { $0.value > 0 }.keys))
  }
}
