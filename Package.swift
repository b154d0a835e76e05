// swift-tools-version:6.2
import PackageDescription

/// The settings of every target: Swift 6 language mode comes with the tools version; the rest
/// makes what the language can check an error.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

/// The files of the dashboard.
let dashboard = [
  "adoption-panel.js",
  "alert-form.js",
  "alert-view.js",
  "alert-words.js",
  "alerts-view.js",
  "api.js",
  "back-test.js",
  "bar-chart.js",
  "budget-panel.js",
  "channels-panel.js",
  "chart.js",
  "comparison-panel.js",
  "dashboard.css",
  "dom.js",
  "estimate-panel.js",
  "format.js",
  "icon.svg",
  "index.html",
  "incident-table.js",
  "line-chart.js",
  "live.js",
  "main.js",
  "objective-form.js",
  "pickers.js",
  "platforms.js",
  "release-table.js",
  "release-view.js",
  "releases-view.js",
  "settings-view.js",
  "setup-view.js",
  "sign-in-view.js",
  "snippets.js",
  "sparkline.js",
  "state.js",
  "statuses.js",
  "trust-panel.js",
]

let package = Package(
  name: "hale",
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
  ],
  targets: [
    // C libraries of the system.
    .systemLibrary(
      name: "CBrotli", pkgConfig: "libbrotlidec", providers: [.apt(["libbrotli-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    // Loaded when it is first needed, not linked: its header alone is used.
    .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CEpoll"),
    .systemLibrary(name: "CMalloc"),
    .systemLibrary(name: "CRoaring", providers: [.apt(["libroaring-dev"])]),
    .systemLibrary(name: "CSpawn"),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),

    // Level 0: values in, values out.
    .target(name: "ReleaseHealth"),
    .target(name: "HTTP"),
    .target(name: "Locks"),
    .target(name: "Compression", dependencies: ["CZlib", "CBrotli", "CZstd"]),
    .target(name: "Hashing", dependencies: ["CCrypto"]),

    // Level 1: the wire format, the contract with a database, and made-up traffic.
    .target(name: "Envelopes", dependencies: ["ReleaseHealth"]),
    .target(name: "Storage", dependencies: ["ReleaseHealth"]),
    .target(name: "Demo", dependencies: ["ReleaseHealth"]),

    // Level 2: the outside world.
    .target(
      name: "SQLiteStorage",
      dependencies: ["CSQLite", "CRoaring", "Storage", "ReleaseHealth", "Locks"],
      resources: [.embedInCode("schema.sql")]),
    .target(name: "Listener", dependencies: ["CEpoll", "HTTP", "Locks"]),
    .target(name: "Outbound", dependencies: ["CCurl", "CSpawn"]),

    // Level 3: the product.
    .target(
      name: "Service",
      dependencies: [
        "HTTP", "Envelopes", "Compression", "Hashing", "Storage", "ReleaseHealth", "Locks",
        "Outbound",
        .product(name: "Logging", package: "swift-log"),
      ],
      resources: [.embedInCode("API/openapi.json")]
        + dashboard.map { .embedInCode("Dashboard/Page/\($0)") }),

    // Level 4: wiring.
    .executableTarget(
      name: "hale",
      dependencies: [
        "CMalloc", "Service", "SQLiteStorage", "Listener", "Outbound", "HTTP", "Envelopes",
        "Storage",
        "Demo", "ReleaseHealth", "Locks",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      // Functions that came out the same, as those of generics often do, are linked once; no symbol
      // stands for others to link with; and there is no table to unwind exceptions by, which Swift
      // has none of: 1.2 MB of 20.
      linkerSettings: [
        .unsafeFlags(
          [
            "-Xlinker", "--icf=safe", "-Xlinker", "--no-export-dynamic",
            "-Xlinker", "--no-eh-frame-hdr",
          ],
          .when(configuration: .release))
      ]),
    .executableTarget(
      name: "hale-bench",
      dependencies: [
        "Service", "SQLiteStorage", "Listener", "HTTP", "Envelopes", "Storage", "Demo",
        "ReleaseHealth", "CSQLite", "CZlib",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    .target(
      name: "TestSupport",
      dependencies: ["ReleaseHealth", "Storage", "HTTP", "Locks"],
      path: "Tests/TestSupport"),
  ]
    + [
      ("ReleaseHealth", ["ReleaseHealth"]),
      ("Envelopes", ["Envelopes", "ReleaseHealth"]),
      ("Compression", ["Compression", "CZlib", "CBrotli", "CZstd"]),
      ("Hashing", ["Hashing", "CCrypto"]),
      ("Demo", ["Demo", "ReleaseHealth"]),
      ("HTTP", ["HTTP"]),
      ("Listener", ["Listener", "HTTP"]),
      ("Outbound", ["Outbound"]),
      ("StoreContract", ["Storage", "SQLiteStorage", "ReleaseHealth"]),
      ("SQLiteStorage", ["Storage", "SQLiteStorage", "ReleaseHealth"]),
      (
        "Service",
        [
          "Service", "HTTP", "Envelopes", "Compression", "Hashing", "Outbound", "Storage",
          "SQLiteStorage", "ReleaseHealth",
        ]
      ),
      ("Simulation", ["Service", "HTTP", "Outbound", "Storage", "SQLiteStorage", "ReleaseHealth"]),
      ("Hale", ["hale", "ReleaseHealth"]),
      ("HaleBench", ["hale-bench", "Envelopes", "ReleaseHealth"]),
      ("Tidy", []),
    ].map { name, subjects in
      .testTarget(
        name: name + "Tests",
        dependencies: ["TestSupport", "Locks", .product(name: "Logging", package: "swift-log")]
          + subjects.map { .init(stringLiteral: $0) })
    }
)

for target in package.targets where target.type != .system {
  target.swiftSettings = strict
  // For commands, JSON and what waits for other machines small code is quick enough: the CPU of a
  // session is the same within what two runs differ.
  if ["hale", "Outbound", "Service", "Demo", "Storage"].contains(target.name) {
    target.swiftSettings?.append(.unsafeFlags(["-Osize"], .when(configuration: .release)))
  }
}
