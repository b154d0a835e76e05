import Foundation
import Testing

@testable import Outbound

/// One after the other: a script that is still open for writing in a process that is about to become
/// another program cannot be started.
@Suite(.serialized) struct ProgramTests {
  private let outlet = Outlet(addresses: .publicOnly)

  private func run(
    _ script: String, input: String = "", timeoutMilliseconds: Int = 15_000
  ) throws(OutboundFailure) {
    let path = FileManager.default.temporaryDirectory.path + "/program-\(UUID().uuidString)"
    let text = "#!/bin/sh\n" + script
    _ = FileManager.default.createFile(
      atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: path) }
    try outlet.run(
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

  @Test func whatItSaysIsTold() {
    #expect(throws: OutboundFailure.self) { try run("echo no such channel >&2\nexit 3") }
    do {
      try run("echo no such channel >&2\nexit 3", input: String(repeating: "x", count: 1 << 20))
    } catch {
      #expect(error.reason.hasSuffix(" exited with 3: no such channel"))
    }
    do throws(OutboundFailure) { try run("kill -9 $$") } catch {
      #expect(error.reason.hasSuffix(" was ended by signal 9"))
    }
  }

  /// With its children, and also one that prints without end.
  @Test(arguments: ["sleep 600 & sleep 600", "exec yes"])
  func oneThatDoesNotEndIsKilled(script: String) {
    do throws(OutboundFailure) {
      try run(script, timeoutMilliseconds: 200)
      Issue.record("it ended")
    } catch {
      #expect(error.reason.contains("took longer than"))
    }
  }

  /// The limit is one of time, however often there is something to read: 500 lines would be more
  /// than 300 waits of 20 ms.
  @Test func oneThatPrintsMuchHasItsTime() throws {
    try run(
      "i=0; while [ $i -lt 500 ]; do echo $i; (:); i=$((i+1)); done", timeoutMilliseconds: 6000)
  }

  @Test func oneThatIsNotThere() {
    #expect(throws: OutboundFailure.self) {
      try outlet.run(Program(path: "/nowhere/to/be/found", environment: [], input: []))
    }
  }
}
