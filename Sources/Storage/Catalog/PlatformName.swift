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
    if known.contains(name.lowercased()) { return nil }
    // `react` and `vue` are pages: without the beginning, unhandled errors would not be bad.
    let near = known.filter {
      NearNames.isSlip(name, of: $0) || $0 == "javascript-" + name.lowercased()
    }
    if near.isEmpty { return nil }
    let shown = NearNames.near(name, among: near).map { "\"\($0)\"" }
    return "There is no such platform; near: \(shown.joined(separator: ", "))."
  }

  private static let known: Set<String> = Set(
    families.flatMap { family, parts in [family] + parts.map { "\(family)-\($0)" } })

  /// Sentry's platforms by what their names begin with.
  private static let families: [String: [String]] = [
    "android": [], "apple": ["ios", "macos", "tvos", "visionos", "watchos"], "bun": [], "c": [],
    "capacitor": [], "cocoa": ["objc", "swift"], "cordova": [], "csharp": [], "dart": ["flutter"],
    "deno": [],
    "dotnet": [
      "aspnet", "aspnetcore", "awslambda", "gcpfunctions", "maui", "uwp", "winforms", "wpf",
      "xamarin",
    ],
    "electron": [], "elixir": [], "flutter": [],
    "go": ["echo", "fasthttp", "fiber", "gin", "http", "iris", "martini", "negroni"],
    "godot": [], "ionic": [], "ios": [],
    "java": [
      "android", "appengine", "log4j", "log4j2", "logback", "logging", "spring", "spring-boot",
    ],
    "javascript": [
      "angular", "angularjs", "astro", "backbone", "browser", "capacitor", "cordova", "electron",
      "ember", "gatsby", "ionic", "nextjs", "nuxt", "react", "react-native", "react-router",
      "remix", "solid", "solidstart", "svelte", "sveltekit", "tanstackstart-react", "vue", "wasm",
    ],
    "kotlin": ["multiplatform"], "linux": [], "macos": [], "minidump": [],
    "native": ["breakpad", "crashpad", "minidump", "qt"], "nintendo-switch": ["2"],
    "node": [
      "awslambda", "azurefunctions", "cloudflare-pages", "cloudflare-workers", "connect",
      "elysia", "express", "fastify", "gcpfunctions", "hapi", "hono", "koa", "nestjs", "nitro",
      "restify",
    ],
    "objc": [], "other": [], "perl": [],
    "php": ["laravel", "monolog", "symfony", "symfony2"], "playstation": [], "powershell": [],
    "python": [
      "aiohttp", "asgi", "awslambda", "bottle", "celery", "chalice", "django", "falcon",
      "fastapi", "flask", "gcpfunctions", "litestar", "pylons", "pymongo", "pyramid", "quart",
      "rq", "sanic", "serverless", "starlette", "tornado", "tryton", "wsgi",
    ],
    "react-native": [], "ruby": ["rack", "rails"], "rust": [], "swift": [], "unity": [],
    "unreal": [], "windows": [], "xbox": [],
  ]
}
