internal import Bytes
internal import ReleaseHealth

/// The name of an unknown release, held against the known ones: it may be one of them, written in
/// another way, or one that is still to come.
///
/// The next release of a package differs from the one before in a number or an identifier of its
/// version. So only what else may differ makes it a known one: letter case, punctuation, a `v`
/// before the version, zeros at its end, a build or a package that only one of the two has,
/// and slips of the hand in the package.
struct ReleaseLikeness {
  private let name: ReleaseVersion
  private let form: [UInt8]
  private let packageForm: [UInt8]?
  /// The version, also where no package stands before it.
  private let version: ReleaseVersion

  init(_ text: String) {
    name = ReleaseVersion(text)
    form = Self.form(name.name)
    packageForm = name.package.map(Self.form)
    let bare = name.versionRaw.first == "v" ? name.versionRaw.dropFirst() : name.versionRaw[...]
    version = ReleaseVersion("-@\(bare)")
  }

  /// The known releases that the name stands for, in their order.
  func likely(among releases: [String]) -> [String] {
    let known = releases.map { ReleaseLikeness($0) }
    let isPackageKnown = known.contains { $0.name.package == name.package && $0.isOfItsPackage }
    let hasPackages = known.contains { $0.packageForm != nil }
    let same = known.filter {
      $0.form == form || isDescription(of: $0)
        || isSameVersion($0, isPackageKnown: isPackageKnown, hasPackages: hasPackages)
    }
    if !same.isEmpty || isPackageKnown { return same.map(\.name.name) }
    return known.filter(isSlipInPackage).map(\.name.name)
  }

  /// Whether releases of the same package may follow: after `nightly` no `2.1.0` is expected.
  private var isOfItsPackage: Bool { packageForm != nil || version.version != nil }

  /// Whether the name is the form in which a release is shown: `2.1.0 (7)`, or the first digits of
  /// a hash.
  private func isDescription(of known: ReleaseLikeness) -> Bool {
    let hasBuild = known.version.version?.buildCode != nil
    if hasBuild, packageForm == nil, form == Self.form(known.name.description) { return true }
    guard form.count >= 7, let hash = known.name.buildHash else { return false }
    return hash.lowercased().utf8.starts(with: form)
  }

  /// Whether both have the same version in the order of releases, of the same package or of one
  /// that only one of them names, and not two builds of it.
  private func isSameVersion(
    _ known: ReleaseLikeness, isPackageKnown: Bool, hasPackages: Bool
  ) -> Bool {
    guard let semver = version.semver, semver == known.version.semver else { return false }
    let builds = (version.version?.buildCode, known.version.version?.buildCode)
    if let own = builds.0, let other = builds.1, own != other { return false }
    switch (packageForm, known.packageForm) {
    case (let own?, let other?): return own == other
    case (nil, nil): return true
    case (nil, _): return !isPackageKnown
    case (_, nil): return !hasPackages
    }
  }

  private func isSlipInPackage(of known: ReleaseLikeness) -> Bool {
    guard let own = name.package, let package = known.name.package else { return false }
    // Of two applications one may be the other's next generation.
    // `web-b` is no slip of `web-a`.
    return NearNames.isSlip(own, of: package) && own.dropLast() != package.dropLast()
      && own.utf8.filter(\.isDigit) == package.utf8.filter(\.isDigit)
  }

  /// A name without what people leave out or add: `Shop-v2.1.0` and `shop@2.1.0` have the same.
  private static func form(_ name: String) -> [UInt8] {
    let bytes = Array(name.lowercased().utf8)
    return bytes.indices.compactMap { index in
      let byte = bytes[index]
      let isAfterDigit = index > 0 && bytes[index - 1].isDigit
      let isBeforeDigit = bytes[(index + 1)...].first?.isDigit == true
      // Between digits a separator makes another version of them.
      if "@-_/ ".utf8.contains(byte) { return isAfterDigit && isBeforeDigit ? byte : nil }
      let isFirst = index == 0 || !bytes[index - 1].isAlphanumeric
      return byte == UInt8(ascii: "v") && isFirst && isBeforeDigit ? nil : byte
    }
  }
}
