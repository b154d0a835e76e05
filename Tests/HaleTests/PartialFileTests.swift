import Glibc
import TestSupport
import Testing

@testable import hale

@Suite struct PartialFileTests {
  /// Under nohup, closing the terminal does not end a backup.
  @Test func ignoredSignalsStayIgnored() throws {
    let directory = try TemporaryDirectory()
    let numbers = [SIGINT, SIGTERM, SIGHUP]
    let before = numbers.map { signal($0, SIG_IGN) }
    defer { for (number, handler) in zip(numbers, before) { signal(number, handler) } }
    let file = try PartialFile(for: directory.path + "/backup")
    for number in numbers {
      let handler = signal(number, SIG_IGN)
      #expect(isIgnored(handler), "signal \(number)")
    }
    file.discard()
    withExtendedLifetime(directory) {}
  }
}
