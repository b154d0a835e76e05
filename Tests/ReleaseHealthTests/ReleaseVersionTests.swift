import Bytes
import ReleaseHealth
import TestSupport
import Testing

@Suite struct ReleaseVersionTests {
  /// The parts of a name. By default the package is `app` and there is no version.
  struct Reading: Sendable, CustomTestStringConvertible {
    struct Version: Sendable {
      var numbers: [VersionNumber]
      var prerelease: String?
      var buildCode: String?
    }

    var name: String
    var package: String? = "app"
    var raw: String
    var version: Version?
    var hash: String?
    var description: String

    var testDescription: String { name }
  }

  static let hash = "a86d127c4b2f23a0a862620280427dcc01c78676"

  /// The cases that sentry-release-parser publishes: its tests and its snapshots.
  static let published: [Reading] = [
    Reading(
      name: "@foo.bar.baz--blah@1.2.3-dev+BUILD-code", package: "@foo.bar.baz--blah",
      raw: "1.2.3-dev+BUILD-code",
      version: .init(numbers: [1, 2, 3], prerelease: "dev", buildCode: "BUILD-code"),
      description: "1.2.3-dev (BUILD-code)"),
    Reading(
      name: "@foo.bar.baz--blah@1.0a+build-code", package: "@foo.bar.baz--blah",
      raw: "1.0a+build-code",
      version: .init(numbers: [1, 0], prerelease: "a", buildCode: "build-code"),
      description: "1.0a (build-code)"),
    Reading(
      name: "app@1.0alpha2+build-code", raw: "1.0alpha2+build-code",
      version: .init(numbers: [1, 0], prerelease: "alpha2", buildCode: "build-code"),
      description: "1.0alpha2 (build-code)"),
    Reading(name: hash, package: nil, raw: hash, hash: hash, description: "a86d127c4b2f"),
    Reading(name: "app@" + hash, raw: hash, hash: hash, description: "a86d127c4b2f"),
    Reading(
      name: "app@085240e737828d8326719bf97730188e927e49ca",
      raw: "085240e737828d8326719bf97730188e927e49ca",
      hash: "085240e737828d8326719bf97730188e927e49ca", description: "085240e73782"),
    Reading(
      name: "app@1.0a+" + hash, raw: "1.0a+" + hash,
      version: .init(numbers: [1, 0], prerelease: "a", buildCode: hash), hash: hash,
      description: "1.0a (a86d127c4b2f)"),
    Reading(
      name: "foo.bar.baz@1.2.3.04", package: "foo.bar.baz", raw: "1.2.3.04",
      version: .init(numbers: [1, 2, 3, 4]), description: "1.2.3.04"),
    Reading(
      name: "org.example.FooApp@1.0rc1+20200101100", package: "org.example.FooApp",
      raw: "1.0rc1+20200101100",
      version: .init(numbers: [1, 0], prerelease: "rc1", buildCode: "20200101100"),
      description: "1.0rc1 (20200101100)"),
    Reading(
      name: "org.example.FooApp@1.0rc1+1.2.3", package: "org.example.FooApp", raw: "1.0rc1+1.2.3",
      version: .init(numbers: [1, 0], prerelease: "rc1", buildCode: "1.2.3"),
      description: "1.0rc1 (1.2.3)"),
    Reading(name: "  foo   ", package: nil, raw: "foo", description: "foo"),
    Reading(
      name: "app@1.0+20200101100", raw: "1.0+20200101100",
      version: .init(numbers: [1, 0], buildCode: "20200101100"), description: "1.0 (20200101100)"),
    Reading(
      name: "app@1.0.0+20200101100", raw: "1.0.0+20200101100",
      version: .init(numbers: [1, 0, 0], buildCode: "20200101100"),
      description: "1.0.0 (20200101100)"),
    Reading(
      name: "app@1.0+1.0.200", raw: "1.0+1.0.200",
      version: .init(numbers: [1, 0], buildCode: "1.0.200"), description: "1.0 (1.0.200)"),
    Reading(
      name: "com.foogame.FooGame@7211+7211", package: "com.foogame.FooGame", raw: "7211+7211",
      version: .init(numbers: [7211], buildCode: "7211"), description: "7211 (7211)"),
    Reading(
      name: "some-api@2020.05.26-01.38.42", package: "some-api", raw: "2020.05.26-01.38.42",
      description: "some-api@2020.05.26-01.38.42"),
    Reading(
      name: "some-api@2020.2-1.2.3", package: "some-api", raw: "2020.2-1.2.3",
      version: .init(numbers: [2020, 2], prerelease: "1.2.3"), description: "2020.2-1.2.3"),
    Reading(
      name: "app@1.2.3-test", raw: "1.2.3-test",
      version: .init(numbers: [1, 2, 3], prerelease: "test"), description: "1.2.3-test"),
    Reading(
      name: "app@1.0alpha2", raw: "1.0alpha2",
      version: .init(numbers: [1, 0], prerelease: "alpha2"), description: "1.0alpha2"),
    Reading(
      name: "app@1.0.0.0", raw: "1.0.0.0", version: .init(numbers: [1, 0, 0, 0]),
      description: "1.0.0.0"),
    Reading(
      name: "app@1.0-1234", raw: "1.0-1234",
      version: .init(numbers: [1, 0], prerelease: "1234"), description: "1.0-1234"),
    Reading(
      name: "foo@01.02.003.4-alpha+1234", package: "foo", raw: "01.02.003.4-alpha+1234",
      version: .init(numbers: [1, 2, 3, 4], prerelease: "alpha", buildCode: "1234"),
      description: "01.02.003.4-alpha (1234)"),
    Reading(
      name: "foo@20210505090610352561", package: "foo", raw: "20210505090610352561",
      hash: "20210505090610352561", description: "202105050906"),
    Reading(name: "foo@", package: nil, raw: "foo@", description: "foo@"),
    Reading(name: "app@6f85d2f", raw: "6f85d2f", description: "app@6f85d2f"),
    Reading(
      name: "app@1.0dev1", raw: "1.0dev1", version: .init(numbers: [1, 0], prerelease: "dev1"),
      description: "1.0dev1"),
    Reading(
      name: "app@0.0.0.4bfe251b96", raw: "0.0.0.4bfe251b96",
      version: .init(numbers: [0, 0, 0, 4], prerelease: "bfe251b96"),
      description: "0.0.0.4bfe251b96"),
  ]

  /// Further cases, each checked against sentry-relay 0.10.1, which contains the parser's release
  /// 1.4.0.
  static let edges: [Reading] = [
    // Package and version.
    Reading(name: "", package: nil, raw: "", description: ""),
    Reading(name: "@", package: nil, raw: "@", description: "@"),
    Reading(name: "@@1", package: nil, raw: "@@1", description: "@@1"),
    Reading(name: "@1.0", package: nil, raw: "@1.0", description: "@1.0"),
    Reading(name: "1.0.0", package: nil, raw: "1.0.0", description: "1.0.0"),
    Reading(name: "app@@1", raw: "@1", description: "app@@1"),
    Reading(name: "app@1@2", raw: "1@2", description: "app@1@2"),
    Reading(
      name: "@app@1", package: "@app", raw: "1", version: .init(numbers: [1]), description: "1"),
    Reading(name: "app @ 1", package: "app ", raw: " 1", description: "app @ 1"),
    Reading(
      name: "\u{3000}é@1\u{a0}\u{85}", package: "é", raw: "1", version: .init(numbers: [1]),
      description: "1"),
    // Numbers.
    Reading(name: "app@v1.0", raw: "v1.0", description: "app@v1.0"),
    Reading(name: "app@1.", raw: "1.", description: "app@1."),
    Reading(name: "app@1..2", raw: "1..2", description: "app@1..2"),
    Reading(name: "app@1.2.3.4.5", raw: "1.2.3.4.5", description: "app@1.2.3.4.5"),
    Reading(name: "app@\u{661}.0", raw: "\u{661}.0", description: "app@\u{661}.0"),
    Reading(
      name: "app@1.18446744073709551615", raw: "1.18446744073709551615",
      version: .init(numbers: [1, 18_446_744_073_709_551_615]),
      description: "1.18446744073709551615"),
    Reading(
      name: "app@18446744073709551616.2", raw: "18446744073709551616.2",
      version: .init(numbers: [VersionNumber("18446744073709551616".utf8)!, 2]),
      description: "18446744073709551616.2"),
    // Prereleases.
    Reading(name: "app@1a", raw: "1a", description: "app@1a"),
    Reading(
      name: "app@1-a", raw: "1-a", version: .init(numbers: [1], prerelease: "a"),
      description: "1-a"),
    Reading(
      name: "app@1.2.3.4a", raw: "1.2.3.4a",
      version: .init(numbers: [1, 2, 3, 4], prerelease: "a"), description: "1.2.3.4a"),
    Reading(name: "app@1.0Rc", raw: "1.0Rc", description: "app@1.0Rc"),
    Reading(name: "app@1.0-", raw: "1.0-", version: .init(numbers: [1, 0]), description: "1.0-"),
    Reading(
      name: "app@1.0--", raw: "1.0--", version: .init(numbers: [1, 0], prerelease: "-"),
      description: "1.0--"),
    Reading(
      name: "app@1.0-.1", raw: "1.0-.1", version: .init(numbers: [1, 0], prerelease: ".1"),
      description: "1.0-.1"),
    Reading(name: "app@1.0-01", raw: "1.0-01", description: "app@1.0-01"),
    Reading(
      name: "app@1.0-00a", raw: "1.0-00a", version: .init(numbers: [1, 0], prerelease: "00a"),
      description: "1.0-00a"),
    Reading(
      name: "app@1.0z0", raw: "1.0z0", version: .init(numbers: [1, 0], prerelease: "z0"),
      description: "1.0z0"),
    Reading(name: "app@1.0a01", raw: "1.0a01", description: "app@1.0a01"),
    Reading(name: "app@1.0-a..b", raw: "1.0-a..b", description: "app@1.0-a..b"),
    Reading(name: "app@1.0-1.", raw: "1.0-1.", description: "app@1.0-1."),
    Reading(name: "app@1.0-é", raw: "1.0-é", description: "app@1.0-é"),
    // Build codes and hashes.
    Reading(name: "app@1+", raw: "1+", description: "app@1+"),
    Reading(name: "app@1+a+b", raw: "1+a+b", description: "app@1+a+b"),
    Reading(name: "app@1+a..b", raw: "1+a..b", description: "app@1+a..b"),
    Reading(
      name: "app@1+-.0", raw: "1+-.0", version: .init(numbers: [1], buildCode: "-.0"),
      description: "1 (-.0)"),
    Reading(
      name: "app@1+ABCDEF123456", raw: "1+ABCDEF123456",
      version: .init(numbers: [1], buildCode: "ABCDEF123456"), hash: "ABCDEF123456",
      description: "1 (ABCDEF123456)"),
    Reading(
      name: "app@1-x+deadbeefdeadbeef", raw: "1-x+deadbeefdeadbeef",
      version: .init(numbers: [1], prerelease: "x", buildCode: "deadbeefdeadbeef"),
      hash: "deadbeefdeadbeef", description: "1-x (deadbeefdead)"),
    Reading(
      name: "app@123456789012", raw: "123456789012", hash: "123456789012",
      description: "123456789012"),
    Reading(
      name: "app@1234567890123", raw: "1234567890123", version: .init(numbers: [1_234_567_890_123]),
      description: "1234567890123"),
  ]

  @Test(arguments: published + edges)
  func reads(_ expected: Reading) {
    let release = ReleaseVersion(expected.name)
    #expect(release.package == expected.package)
    #expect(release.versionRaw == expected.raw)
    #expect(release.buildHash == expected.hash)
    #expect(release.description == expected.description)
    #expect(
      release.version.map { Array([$0.major, $0.minor, $0.patch, $0.revision][..<$0.components]) }
        == expected.version?.numbers)
    #expect(release.version?.prerelease == expected.version?.prerelease)
    #expect(release.version?.buildCode == expected.version?.buildCode)
    if let version = release.version {
      let build = version.buildCode.map { "+" + $0 } ?? ""
      #expect(version.rawShort + build == release.versionRaw)
    }
  }

  @Test func missingNumbersAreZero() {
    let version = ReleaseVersion("app@1").version
    #expect(version?.minor == 0 && version?.patch == 0 && version?.revision == 0)
  }

  /// The comparisons that sentry-release-parser publishes; they ignore build codes.
  @Test(arguments: [
    ("1.0.0", "=", "1.0.0"), ("1.1.0", ">", "1.0.0"), ("1.0", "=", "1.0.0"),
    ("1.0dev", "=", "1.0.0-dev"), ("1.0dev", "=", "1.0.0.0-dev"), ("1.0dev", "<", "1.0.0.0-dev1"),
    ("1.0dev", "<", "1.0.0.0"), ("1.0.0", ">", "1.0.0-rc1"), ("1.0.0-rc1", ">", "0.9"),
    ("1.0", "<", "2.0"), ("1.1.0", "<", "10.0"), ("1.1.0", "<", "1.1.1"),
    ("1.1.0.1", "<", "1.1.0.2"), ("1.1.0.1", ">", "1.1.0.0"), ("1.1.0.1", ">", "1.0.0.0"),
    ("1.1.0.1", ">", "1.0.42.0"), ("1.0.0+10", "=", "1.0.0+20"), ("1.0.0+a", "=", "1.0.0+b"),
    ("1.0+abcd", "=", "1.0+abcde"),
    // Semantic Versioning 2.0.0, item 11.4: its own example, then each of its rules.
    ("1.0.0-alpha", "<", "1.0.0-alpha.1"), ("1.0.0-alpha.1", "<", "1.0.0-alpha.beta"),
    ("1.0.0-alpha.beta", "<", "1.0.0-beta"), ("1.0.0-beta", "<", "1.0.0-beta.2"),
    ("1.0.0-beta.2", "<", "1.0.0-beta.11"), ("1.0.0-beta.11", "<", "1.0.0-rc.1"),
    ("1.0.0-rc.1", "<", "1.0.0"), ("1.0-rc.9", "<", "1.0-rc.10"), ("9.4.47-2", "<", "9.4.47-10"),
    ("1.0-9", "<", "1.0-10"), ("1.0-99", "<", "1.0-a"), ("1.0-99", "<", "1.0--"),
    ("1.0-rc.9.9", "<", "1.0-rc.10"), ("1.0-rc.0", "<", "1.0-rc.1"), ("1.0-a.b", "<", "1.0-a.b.0"),
    ("1.0-RC", "<", "1.0-beta"), ("1.0-a-2", ">", "1.0-a-10"), ("1.0rc10", "<", "1.0rc9"),
    ("1.0-18446744073709551616", ">", "1.0-18446744073709551615"), ("1.0-", "=", "1.0"),
    ("1.0.18446744073709551616", ">", "1.0.18446744073709551615"),
    ("99999999999999999999.0", "<", "100000000000000000000.0"),
    ("1.00018446744073709551616", "=", "1.18446744073709551616"),
  ])
  func compares(_ left: String, _ sign: String, _ right: String) throws {
    let one = try #require(ReleaseVersion("app@" + left).semver)
    let other = try #require(ReleaseVersion("another@" + right).semver)
    #expect((one == other) == (sign == "="))
    #expect((one < other) == (sign == "<"))
    #expect((other < one) == (sign == ">"))
  }

  @Test(
    arguments: [
      ("app@1.0+42", 42), ("app@1.0+00042", 42), ("app@1.0-rc+42", 42),
      ("app@1.0+18446744073709551615", 18_446_744_073_709_551_615), ("app@1.0+-0", nil),
      ("app@1.0+-1", nil), ("app@1.0+1.2", nil), ("app@1.0+42a", nil), ("app@1.0", nil),
      ("app@x+42", nil), ("1.0+42", nil), ("42", nil),
    ] as [(String, VersionNumber?)])
  func numbersBuilds(_ name: String, _ number: VersionNumber?) {
    #expect(ReleaseVersion(name).buildNumber == number)
  }

  /// As lists sorted by version and by build have them: the highest first, then what is none.
  private static func semverPrecedes(_ left: ReleaseVersion, _ right: ReleaseVersion) -> Bool {
    left.semverKey > right.semverKey
  }

  private static func buildPrecedes(_ left: ReleaseVersion, _ right: ReleaseVersion) -> Bool {
    guard let build = left.buildNumber else { return false }
    return right.buildNumber.map { build > $0 } ?? true
  }

  @Test func higherVersionsComeFirst() {
    let ordered = [
      "test@10.0+abd", "test@10.0+abc", "test@10.0+999", "test@10.0+122", "test@10.0",
      "test@10.0-abc+1", "test@10.0-abc", "test@2.20.3.3", "test@2.20.3", "other@2.2.3", "test@2.2",
      "test@2.2-rc.10", "test@2.2-rc.9", "test@2.2-alpha",
    ]
    expectOrder(ordered, last: ["test@some_thing", "random_junk", "test@" + Self.hash, "3.0+5"]) {
      Self.semverPrecedes($0, $1)
    }
  }

  /// Equal versions and names without one are ordered by time, then by the bytes of their names.
  @Test func ranksEndTies() {
    let ranks = [
      ("zebra", 1), ("junk", 2), ("a@x", 3), ("b@x", 3), ("b@1.0-rc", 0), ("b@1.0", 4),
      ("a@1.0.0", 5), ("c@1.0", 5), ("a@1.0+1", 0),
    ].map { ReleaseRank($0.0, created: Timestamp(seconds: $0.1)) }
    for (one, left) in ranks.enumerated() {
      for (other, right) in ranks.enumerated() {
        #expect((left < right) == (one < other), "\(one), \(other)")
      }
    }
  }

  @Test func higherBuildsComeFirst() {
    let ordered = ["test@1.2+1000", "other@0.1-rc+200", "test@1.2+1", "test@9.9+0"]
    expectOrder(ordered, last: ["test@1.2", "test@1.2+500alpha", "test@x+5", "junk"]) {
      Self.buildPrecedes($0, $1)
    }
  }

  private func expectOrder(
    _ ordered: [String], last: [String], _ precedes: (ReleaseVersion, ReleaseVersion) -> Bool
  ) {
    let ranked = ordered.enumerated().map { ($1, $0) } + last.map { ($0, ordered.count) }
    for (left, leftRank) in ranked {
      for (right, rightRank) in ranked {
        #expect(
          precedes(ReleaseVersion(left), ReleaseVersion(right)) == (leftRank < rightRank),
          "\(left), \(right)")
      }
    }
  }

  @Test func bothOrdersAreStrictAndWeak() {
    var random = SplitMix64(seed: 11)
    let releases = (0..<60).map { _ in ReleaseVersion(Self.likelyName(&random)) }
    #expect(releases.count { $0.semver != nil } > 20)
    #expect(releases.count { $0.buildNumber != nil } > 3)
    for precedes in [Self.semverPrecedes, Self.buildPrecedes] {
      // The order is strict, and transitive for both ordered and tied elements.
      let before = releases.map { left in releases.map { precedes(left, $0) } }
      let indices = releases.indices
      for one in indices {
        #expect(!before[one][one])
        for two in indices {
          #expect(!(before[one][two] && before[two][one]))
          for three in indices {
            let isBroken =
              before[one][two] && before[two][three] && !before[one][three]
              || !before[one][two] && !before[two][one] && !before[two][three]
                && !before[three][two] && (before[one][three] || before[three][one])
            if isBroken {
              Issue.record(
                "\(releases[one].name), \(releases[two].name), \(releases[three].name)")
            }
          }
        }
      }
    }
  }

  @Test func everyNameCanBeParsed() {
    var random = SplitMix64(seed: 7)
    let alphabet = Array("@@..+--aZ0199f \t\n/é\u{301}\u{0}\u{a0}👩‍👩‍👧".unicodeScalars)
    for round in 0..<10_000 {
      var name = Self.likelyName(&random)
      if round % 2 == 0 {
        name = ""
        for _ in 0..<Int.random(in: 0...40, using: &random) {
          name.unicodeScalars.append(alphabet[Int.random(in: alphabet.indices, using: &random)])
        }
      }
      let release = ReleaseVersion(name)
      let joined = release.package.map { $0 + "@" + release.versionRaw } ?? release.versionRaw
      #expect(joined.utf8.elementsEqual(release.name.utf8))
      #expect(name.utf8.count >= release.name.utf8.count)
      #expect(release.version == nil || release.package != nil)
      // Without the space and the parentheses a description is never longer than the name.
      #expect(release.description.utf8.count <= release.name.utf8.count + 2)
      #expect(!Self.semverPrecedes(release, release))
    }
  }

  /// A random name, mostly with a version, of few different parts so that ties occur.
  private static func likelyName(_ random: inout SplitMix64) -> String {
    func pick(_ choices: [String]) -> String {
      choices[Int.random(in: choices.indices, using: &random)]
    }
    let package = pick(["a@", "a@", "a@", "@b@", ""])
    let numbers = pick(["1", "1.0", "1.2", "1.0.0.7", "18446744073709551615.1", "x"])
    let prerelease = pick(["", "", "-rc.1", "-rc.10", "beta", "-01", "-"])
    let build = pick(["", "", "+7", "+007", "+10", "+abc", "+99999999999999999999", "+" + hash])
    return package + numbers + prerelease + build
  }
}
