import Foundation
import Testing

@testable import Outbound

/// Serialized, because a script cannot be started while a forked process has it open for writing.
@Suite(.serialized) struct ProgramTests {
  private let client = OutboundClient(addresses: .publicOnly)

  private func run(
    _ script: String, input: String = "", timeoutMilliseconds: Int = 15_000
  ) throws(OutboundFailure) {
    let path = FileManager.default.temporaryDirectory.path + "/program-\(UUID().uuidString)"
    let text = "#!/bin/sh\n" + script
    _ = FileManager.default.createFile(
      atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: path) }
    try client.run(
      Program(
        path: path, environment: [("PATH", "/usr/bin:/bin"), ("TITLE", "a b")],
        input: Array(input.utf8), timeoutMilliseconds: timeoutMilliseconds))
  }

  @Test func inputAndEnvironmentReachIt() throws {
    let input = String(repeating: "0123456789", count: 100_000)
    try run(
      #"[ "$(wc -c)" = 1000000 ] && [ "$TITLE" = "a b" ] && [ "$(env | wc -l)" -le 5 ]"#,
      input: input)
  }

  @Test func theErrorHasItsOutput() {
    #expect(throws: OutboundFailure.self) { try run("echo no such channel >&2\nexit 3") }
    do {
      try run("echo no such channel >&2\nexit 3", input: String(repeating: "x", count: 1 << 20))
    } catch {
      #expect(error.reason.hasSuffix(" exited with 3: no such channel"))
    }
    do throws(OutboundFailure) { try run("kill -9 $$") } catch {
      #expect(error.reason.hasSuffix(" was killed by signal 9"))
    }
  }

  /// A program is killed with its children, also if it prints without end.
  @Test(arguments: ["sleep 600 & sleep 600", "exec yes"])
  func aProgramThatDoesNotEndIsKilled(script: String) {
    do throws(OutboundFailure) {
      try run(script, timeoutMilliseconds: 200)
      Issue.record("it ended")
    } catch {
      #expect(error.reason.contains("took longer than"))
    }
  }

  /// The time limit does not depend on the number of reads: 500 lines are more than 300 waits of
  /// 20 ms.
  @Test func aProgramThatPrintsMuchHasItsTime() throws {
    try run(
      "i=0; while [ $i -lt 500 ]; do echo $i; (:); i=$((i+1)); done", timeoutMilliseconds: 6000)
  }

  @Test func aMissingProgramIsAFailure() {
    #expect(throws: OutboundFailure.self) {
      try client.run(Program(path: "/nowhere/to/be/found", environment: [], input: []))
    }
  }
}
