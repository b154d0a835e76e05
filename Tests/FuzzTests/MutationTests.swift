import Bytes
import Foundation
import Testing

/// Gives the fuzzed readers changed recordings, in the debug build and without coverage:
/// `Scripts/fuzz` goes much further, but needs a build of its own.
///
/// The environment variables are set by `Scripts/test`:
/// - `HALE_FUZZ_SEEDS`: a directory with what `seeds.py` writes;
/// - `HALE_FUZZ_SECONDS`: the duration, for all targets together;
/// - `HALE_FUZZ_SEED`: the start of the random numbers.
@Suite(
  .serialized, .enabled(if: ProcessInfo.processInfo.environment["HALE_FUZZ_SEEDS"] != nil))
struct MutationTests {
  private static let targets: [FuzzTarget] = [.envelope, .http, .session, .json, .search, .url]

  /// An input that ends the process stands in the directory of the recordings, as `TARGET-input`.
  @Test(arguments: targets)
  private func changedRecordingsAreReadToTheirEnd(of target: FuzzTarget) throws {
    let environment = ProcessInfo.processInfo.environment
    let folder = URL(filePath: try #require(environment["HALE_FUZZ_SEEDS"]))
    let seconds = environment["HALE_FUZZ_SECONDS"].flatMap(Double.init) ?? 20
    let seed = environment["HALE_FUZZ_SEED"].flatMap(UInt64.init) ?? 1
    let recordings = try FileManager.default.contentsOfDirectory(
      at: folder.appending(path: target.rawValue), includingPropertiesForKeys: nil
    ).sorted { $0.path < $1.path }.map { [UInt8](try Data(contentsOf: $0)) }
    var mutator = Mutator(recordings: recordings, random: SplitMix64(seed: seed))
    let kept = folder.appending(path: "\(target.rawValue)-input").path
    #expect(FileManager.default.createFile(atPath: kept, contents: nil))
    let file = try #require(FileHandle(forWritingAtPath: kept))
    let end = Date(timeIntervalSinceNow: seconds / Double(Self.targets.count))
    var count = 0
    var slowest = 0.0
    repeat {
      let input = mutator.next()
      try file.truncate(atOffset: 0)
      try file.seek(toOffset: 0)
      try file.write(contentsOf: input)
      let began = Date()
      target.run(input)
      slowest = max(slowest, Date().timeIntervalSince(began))
      count += 1
    } while Date() < end
    try FileManager.default.removeItem(atPath: kept)
    print("\(target.rawValue): \(count) inputs, the slowest took \(Int(slowest * 1000)) ms")
  }
}

/// Makes inputs of recordings.
private struct Mutator {
  let recordings: [[UInt8]]
  var random: SplitMix64
  private static let lengthMax = 4096
  /// Bytes that mean something to one of the readers.
  private static let bytes = Array("\0\n\r\t \"'\\{}[](),:;=*!<>-+/%&?@.0179eE\u{7f}\u{301}".utf8)

  mutating func next() -> [UInt8] {
    var input = recording()
    for _ in 0..<Int.random(in: 1...6, using: &random) { change(&input) }
    if input.count > Self.lengthMax { input.removeSubrange(Self.lengthMax...) }
    return input
  }

  private mutating func recording() -> [UInt8] { recordings.randomElement(using: &random) ?? [] }

  private mutating func change(_ input: inout [UInt8]) {
    let place = Int.random(in: 0...input.count, using: &random)
    let rest = place..<min(input.count, place + Int.random(in: 1...32, using: &random))
    switch Int.random(in: 0..<8, using: &random) {
    case 0: if place < input.count { input[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
    case 1: if place < input.count { input[place] = UInt8.random(in: 0...255, using: &random) }
    case 2: input.insert(Self.bytes.randomElement(using: &random) ?? 0, at: place)
    case 3: input.removeSubrange(rest)
    case 4: input.insert(contentsOf: input[rest], at: place)
    case 5:
      // A part many times.
      let part = [[UInt8]](
        repeating: Array(input[rest]), count: Int.random(in: 2...40, using: &random))
      input.insert(contentsOf: part.joined(), at: place)
    case 6: input.removeSubrange(place...)
    default:
      let other = recording()
      let start = Int.random(in: 0...other.count, using: &random)
      input.replaceSubrange(place..., with: other[start...])
    }
  }
}
