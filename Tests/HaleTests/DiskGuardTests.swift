import Foundation
import Locks
import Storage
import TestSupport
import Testing

@testable import hale

@Suite struct DiskGuardTests {
  /// A long WAL on a disk with little room ends a read; either alone does not.
  @Test(
    arguments: [
      (1 << 10, 1 << 40, false), (65 << 20, 1 << 40, false), (1 << 10, 1 << 20, false),
      (65 << 20, 1 << 20, true), (65 << 20, 1 << 30, false),
    ] as [(Int, Int64, Bool)])
  func readsEndBeforeTheDiskIsFull(walBytes: Int, free: Int64, ends: Bool) throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/hale.db"
    #expect(FileManager.default.createFile(atPath: path + "-wal", contents: nil))
    let file = try #require(FileHandle(forWritingAtPath: path + "-wal"))
    try file.truncate(atOffset: UInt64(walBytes))
    let time = Locked(Int64(0))
    let read = DiskGuard(path, room: { _ in (free, 1 << 41) }) { time.withLock { $0 } }
    var isEnded = false
    do throws(StoreError) {
      try read.check()
    } catch {
      isEnded = true
      #expect(error.sentence.contains("WAL"))
    }
    #expect(isEnded == ends)
  }

  /// The disk is looked at twice a second, not at every call.
  @Test func looksAreFew() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/hale.db"
    #expect(FileManager.default.createFile(atPath: path + "-wal", contents: nil))
    try #require(FileHandle(forWritingAtPath: path + "-wal")).truncate(atOffset: 65 << 20)
    let looks = Locked(0)
    let time = Locked(Int64(0))
    let read = DiskGuard(
      path,
      room: { _ in
        looks.withLock { $0 += 1 }
        return (1 << 40, 1 << 41)
      }
    ) { time.withLock { $0 } }
    for _ in 0..<3 { try read.check() }
    time.withLock { $0 = 500 }
    try read.check()
    #expect(looks.withLock { $0 } == 2)
  }
}
