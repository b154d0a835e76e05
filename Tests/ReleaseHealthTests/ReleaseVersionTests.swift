import ReleaseHealth
import TestSupport
import Testing

@Suite struct ReleaseVersionTests {
  struct Case: Sendable {
    var name: String
    var package: String?
    var raw: String
    /// Numbers, prerelease and build code; nil when it is no version.
    var version: [String?]?
    var hash: String?
    var description: String
  }

  static let hash = "a86d127c4b2f23a0a862620280427dcc01c78676"

  @Test(arguments: [
    Case(
      name: "foo.bar.baz--blah@1.2.3-dev+BUILD-code", package: "foo.bar.baz--blah",
      raw: "1.2.3-dev+BUILD-code", version: ["1.2.3", "dev", "BUILD-code"],
      description: "1.2.3-dev (BUILD-code)"),
    Case(
      name: "@scope/pkg".replacing("/", with: ".") + "@1.0", package: "@scope.pkg", raw: "1.0",
      version: ["1.0", nil, nil], description: "1.0"),
    Case(name: "shop@1", package: "shop", raw: "1", version: ["1", nil, nil], description: "1"),
    Case(
      name: "shop@1.2.3.4", package: "shop", raw: "1.2.3.4", version: ["1.2.3.4", nil, nil],
      description: "1.2.3.4"),
    Case(
      name: "shop@1.2.3.4.5", package: "shop", raw: "1.2.3.4.5", description: "shop@1.2.3.4.5"),
    Case(
      name: "shop@1.0rc1", package: "shop", raw: "1.0rc1", version: ["1.0", "rc1", nil],
      description: "1.0-rc1"),
    Case(
      name: "shop@1.0-01", package: "shop", raw: "1.0-01", description: "shop@1.0-01"),
    Case(
      name: "shop@1.0-", package: "shop", raw: "1.0-", version: ["1.0", nil, nil],
      description: "1.0"),
    Case(
      name: "shop@007.0+42", package: "shop", raw: "007.0+42", version: ["007.0", nil, "42"],
      description: "007.0 (42)"),
    Case(
      name: "shop@" + hash, package: "shop", raw: hash, hash: hash,
      description: "a86d127c4b2f"),
    Case(
      name: "shop@1.0+" + hash, package: "shop", raw: "1.0+" + hash,
      version: ["1.0", nil, hash], hash: hash, description: "1.0 (a86d127c4b2f)"),
    Case(name: hash, raw: hash, hash: hash, description: "a86d127c4b2f"),
    Case(name: "1.0.0", raw: "1.0.0", description: "1.0.0"),
    Case(name: " some release ", raw: "some release", description: "some release"),
    Case(name: "@", raw: "@", description: "@"),
    Case(name: "@@1.0", raw: "@@1.0", description: "@@1.0"),
    Case(name: "shop@", raw: "shop@", description: "shop@"),
    Case(name: "", raw: "", description: ""),
    Case(
      name: "shop@1.0+a..b", package: "shop", raw: "1.0+a..b", description: "shop@1.0+a..b"),
    Case(
      name: "shop@1.x", package: "shop", raw: "1.x", description: "shop@1.x"),
  ])
  func parses(_ example: Case) {
    let version = ReleaseVersion(example.name)
    #expect(version.package == example.package)
    #expect(version.raw == example.raw)
    #expect(version.buildHash == example.hash)
    #expect(version.description == example.description)
    #expect((version.version == nil) == (example.version == nil))
    if let parsed = version.version, let expected = example.version {
      #expect(parsed.prerelease == expected[1] && parsed.buildCode == expected[2])
      #expect(parsed.components == expected[0]?.split(separator: ".").count)
    }
  }

  @Test(arguments: [
    ("com.example.app-1.0", "1.0"), ("com.example.app-" + hash, "a86d127c4b2f"),
    (hash, "a86d127c4b2f"), ("shop@1.0", "shop@1.0"), ("a-b", "a-b"), ("1.2-3", "1.2-3"),
  ])
  func shortens(_ name: String, _ short: String) {
    #expect(ReleaseVersion(name).short == short)
  }

  @Test func higherVersionsComeFirst() {
    let ordered = [
      "a@10.0", "a@2.0.0.1", "a@2.0", "a@2.0-rc.2", "a@2.0-rc.1", "a@2.0-beta", "a@1.99",
      "a@1.9.9-dev", "b@0.1", "a@x", "nothing",
    ].map(ReleaseVersion.init)
    for (index, higher) in ordered.dropLast(2).enumerated() {
      for lower in ordered[(index + 1)...] {
        #expect(ReleaseVersion.isHigher(higher, than: lower) == true)
        #expect(ReleaseVersion.isHigher(lower, than: higher) == false)
      }
    }
    #expect(ReleaseVersion.isHigher(ordered[9], than: ordered[10]) == nil)
    #expect(
      ReleaseVersion.isHigher(ReleaseVersion("a@1.0+1"), than: ReleaseVersion("b@1.0.0")) == nil)
  }

  @Test func numbersTooLargeStandForZero() {
    let version = ReleaseVersion("a@99999999999999999999.1+99999999999999999999")
    #expect(version.version?.major == 0 && version.version?.minor == 1)
    #expect(version.buildNumber == nil)
    #expect(ReleaseVersion("a@1+42").buildNumber == 42)
  }

  @Test func anythingCanBeParsed() {
    var random = SplitMix64(seed: 7)
    let alphabet = Array("@.+-aZ019 \t/é\u{0}")
    for _ in 0..<10_000 {
      let length = Int.random(in: 0...20, using: &random)
      let name = String((0..<length).map { _ in alphabet.randomElement(using: &random)! })
      let version = ReleaseVersion(name)
      #expect(version.name.count <= name.count && version.short.count <= name.count)
    }
  }
}
