import Testing

@testable import hale

@Suite struct IdleMemoryTests {
  @Test(
    arguments: [
      ("00400000-00452000 r-xp 00000000 08:02 17      /usr/bin/a space", 0x400000..<0x452000),
      ("00651000-00652000 r--p 00051000 08:02 173521   /usr/bin/hale", nil),
      ("00652000-00655000 rw-p 00052000 08:02 173521      /usr/bin/hale", nil),
      ("00e03000-00e24000 rw-p 00000000 00:00 0           [heap]", nil),
      ("7ffd1000-7ffd2000 r-xp 00000000 00:00 0           [vdso]", nil),
      ("35b1800000-35b1820000 r--p 00000000 00:00 0", nil),
      ("7f1000-7f2000 rw-s 00000000 08:02 1  /data/hale.db-shm", nil),
      ("7f1000-7f2000 r--s 00000000 08:02 1  /data/hale.db-shm", nil),
      ("", nil),
    ] as [(Substring, Range<UInt>?)])
  func onlyPagesThatNobodyWrote(line: Substring, pages: Range<UInt>?) {
    #expect(IdleMemory.code(line) == pages)
  }
}
