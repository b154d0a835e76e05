import Glibc
import ReleaseHealth
import TestSupport
import Testing

@testable import hale

@Suite struct ClockTests {
  @Test func timesMayHaveWhiteSpaceAroundThem() {
    #expect(Timestamp(rfc3339: " 2026-03-01T10:00:00Z\n")?.milliseconds == 1_772_359_200_000)
    #expect(Timestamp(rfc3339: "tomorrow") == nil)
  }

  /// The clock has the time of its file, follows each replacement in both directions, and keeps the
  /// last time while the file is unreadable.
  @Test func theClockFollowsItsFile() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/clock"
    func replace(_ text: String) throws {
      try text.write(toNew: path + ".new")
      #expect(unsafe rename(path + ".new", path) == 0)
    }
    try replace("2026-03-01T10:00:00Z\n")
    let clock = try SystemClock(.file(path: path))
    #expect(clock.isFile)
    for step in 0..<200 {
      let time = Timestamp(seconds: 1_772_359_200 + Int64(step * 7919 % 1000))
      try replace(time.rfc3339)
      #expect(clock.now() == time)
    }
    let last = clock.now()
    try replace("nonsense")
    #expect(clock.now() == last)
    unsafe unlink(path)
    #expect(clock.now() == last)
    try replace("2020-03-01T10:00:00Z")
    #expect(clock.now().rfc3339 == "2020-03-01T10:00:00.000Z")
  }

  @Test func aFileWithoutATimeIsAnErrorAtTheStart() throws {
    let directory = try TemporaryDirectory()
    #expect(throws: CommandFailure.self) {
      try SystemClock(.file(path: directory.path + "/missing"))
    }
  }
}

extension String {
  fileprivate func write(toNew path: String) throws {
    let file = unsafe try #require(fopen(path, "w"))
    unsafe fputs(self, file)
    unsafe fclose(file)
  }
}
