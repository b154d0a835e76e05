internal import Bytes

/// Sentry's names of platforms, such as `python`. Others are taken, too, since Sentry gets new
/// ones, unless they are a slip of the hand: what is bad follows the platform.
package enum PlatformName {
  /// The sentence about a name that is not taken, with what to give instead; nil for one that is.
  package static func refusal(of name: String) -> String? {
    let isPlain = name.utf8.allSatisfy { $0.isAlphanumeric || "-_.".utf8.contains($0) }
    guard isPlain, (1...64).contains(name.utf8.count) else {
      return "Give up to 64 letters, digits, '-', '_' and '.', for example python."
    }
    let name = name.lowercased()
    if families.contains(name) { return nil }
    // What is bad follows the family, so the rest of the name may be anything.
    let family = String(name.prefix { $0 != "-" })
    let joined = name.filter { $0 != "-" }
    let slips = families.filter { other in
      other == joined
        || !families.contains(family)
          && (NearNames.isSlip(family, of: other) || NearNames.isSlip(name, of: other))
    }
    // `react` and `vue` are pages: without the family, unhandled errors would not be bad.
    let near = slips + pages.filter { $0 == "javascript-" + name }
    if near.isEmpty { return nil }
    let best = NearNames.near(name, among: near)
    let shown = (best.isEmpty ? near.sorted() : best).map { "\"\($0)\"" }
    return "There is no such platform; near: \(shown.joined(separator: ", "))."
  }

  /// The platforms of pages.
  private static let pages = [
    "angular", "angularjs", "astro", "backbone", "browser", "capacitor", "cordova", "electron",
    "ember", "gatsby", "ionic", "nextjs", "nuxt", "react", "react-native", "react-router", "remix",
    "solid", "solidstart", "svelte", "sveltekit", "tanstackstart-react", "vue", "wasm",
  ].map { "javascript-\($0)" }

  /// What the names of Sentry's platforms begin with.
  private static let families: Set<String> = [
    "android", "apple", "bun", "c", "capacitor", "cocoa", "cordova", "csharp", "dart", "deno",
    "dotnet", "electron", "elixir", "flutter", "go", "godot", "ionic", "ios", "java", "javascript",
    "kotlin", "linux", "macos", "minidump", "native", "nintendo-switch", "node", "objc", "other",
    "perl", "php", "playstation", "powershell", "python", "react-native", "ruby", "rust", "swift",
    "unity", "unreal", "windows", "xbox",
  ]
}
