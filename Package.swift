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

let package = Package(
  name: "hale",
  // Exact versions stand here instead of in a committed Package.resolved, because that file names
  // commits: behind a mirror, whose commits are others, SwiftPM refuses it or writes it anew. None
  // of these needs another package, so that every version is pinned.
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
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
    .target(name: "Bytes"),
    .target(name: "HTTP", dependencies: ["Bytes"]),
    .target(name: "Locks"),
    .target(name: "Compression", dependencies: ["CZlib", "CBrotli", "CZstd"]),
    .target(name: "Hashing", dependencies: ["CCrypto"]),

    // Level 1: the wire format, the contract with a database, and made-up traffic.
    .target(name: "Envelopes", dependencies: ["Bytes", "ReleaseHealth"]),
    .target(name: "Storage", dependencies: ["Bytes", "ReleaseHealth"]),
    .target(name: "Demo", dependencies: ["Bytes", "ReleaseHealth"]),

    // Level 2: the outside world, and what the modules above share.
    .target(
      name: "SQLiteStorage",
      dependencies: ["CSQLite", "CRoaring", "Storage", "ReleaseHealth", "Locks"],
      resources: [.embedInCode("schema.sql")]),
    .target(name: "Listener", dependencies: ["CEpoll", "HTTP", "Locks"]),
    .target(name: "Outbound", dependencies: ["CCurl", "CSpawn", "Bytes"]),
    .target(name: "Access", dependencies: ["Hashing", "Storage", "ReleaseHealth", "Locks"]),
    .target(name: "Metrics", dependencies: ["Storage", "ReleaseHealth", "Locks"]),
    .target(
      name: "API",
      dependencies: [
        "Bytes", "HTTP", "Access", "Metrics", "Storage", "ReleaseHealth", "Locks", "Compression",
        "Hashing", .product(name: "Logging", package: "swift-log"),
      ]),

    // Level 3: the product. These modules do not import one another.
    .target(
      name: "Ingest",
      dependencies: [
        "Bytes", "HTTP", "Envelopes", "Compression", "Access", "Metrics", "Storage",
        "ReleaseHealth", "Locks",
      ]),
    .target(
      name: "Queries",
      dependencies: ["Bytes", "HTTP", "API", "Access", "Storage", "ReleaseHealth"]),
    .target(
      name: "Alerting",
      dependencies: [
        "Bytes", "HTTP", "API", "Access", "Hashing", "Outbound", "Storage", "ReleaseHealth",
        "Locks", .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "Dashboard",
      dependencies: ["Bytes", "HTTP", "API", "Access", "Metrics", "Storage", "Locks"],
      resources: [.embedInCode("Page")]),

    // Level 4: what puts level 3 together.
    .target(
      name: "Service",
      dependencies: [
        "Bytes", "HTTP", "API", "Access", "Metrics", "Ingest", "Queries", "Alerting", "Dashboard",
        "Storage", "ReleaseHealth", "Locks",
        .product(name: "Logging", package: "swift-log"),
      ],
      resources: [.embedInCode("openapi.json")]),

    // Level 5: wiring.
    .executableTarget(
      name: "hale",
      dependencies: [
        "CMalloc", "Service", "API", "Access", "Metrics", "Ingest", "Alerting", "SQLiteStorage",
        "Listener", "Outbound", "Bytes", "HTTP", "Envelopes", "Storage", "Demo", "ReleaseHealth",
        "Locks",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .executableTarget(
      name: "hale-bench",
      dependencies: [
        "Access", "SQLiteStorage", "Listener", "Bytes", "HTTP", "Compression",
        "Envelopes", "Storage", "Demo", "ReleaseHealth", "CSQLite",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    .target(
      name: "TestSupport",
      dependencies: [
        "ReleaseHealth", "Storage", "Bytes", "HTTP", "Locks", "API", "Queries",
        .product(name: "Logging", package: "swift-log"),
      ],
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
      ("Bytes", []),
      ("API", ["API", "HTTP", "Metrics", "Storage", "ReleaseHealth"]),
      ("Locks", []),
      ("Ingest", ["Ingest", "Metrics", "Storage", "SQLiteStorage", "ReleaseHealth"]),
      (
        "Queries", ["Queries", "API", "HTTP", "Storage", "SQLiteStorage", "ReleaseHealth"]
      ),
      (
        "Alerting",
        ["Alerting", "API", "Outbound", "Storage", "SQLiteStorage", "ReleaseHealth"]
      ),
      (
        "Service",
        [
          "Service", "API", "Access", "Alerting", "Dashboard", "Ingest", "Metrics",
          "Queries", "HTTP", "Envelopes", "Compression", "Hashing", "Outbound", "Storage",
          "SQLiteStorage", "ReleaseHealth",
        ]
      ),
      (
        "Simulation",
        [
          "Service", "API", "Access", "Alerting", "Ingest", "Metrics", "HTTP", "Outbound",
          "Storage", "SQLiteStorage", "ReleaseHealth",
        ]
      ),
      ("Hale", ["hale", "ReleaseHealth"]),
      ("HaleBench", ["hale-bench", "Envelopes", "ReleaseHealth"]),
      (
        "Fuzz",
        [
          "API", "Alerting", "Compression", "Envelopes", "HTTP", "Outbound", "Queries",
          "ReleaseHealth", "Storage",
        ]
      ),
      ("Tidy", []),
    ].map { name, subjects in
      .testTarget(
        name: name + "Tests",
        dependencies: [
          "TestSupport", "Bytes", "Locks", .product(name: "Logging", package: "swift-log"),
        ]
          + subjects.map { .init(stringLiteral: $0) })
    }
)

for target in package.targets where target.type != .system {
  target.swiftSettings = strict
  // Debug builds, and so the tests, check each access to a stored property for overlaps; in the
  // released program those checks would take a twentieth of ingest's time.
  target.swiftSettings?.append(
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)))
  // For commands, JSON and what waits for other machines small code is quick enough: the CPU of a
  // session is the same within what two runs differ.
  if [
    "hale", "Outbound", "API", "Queries", "Alerting", "Dashboard", "Service", "Demo",
  ].contains(target.name) {
    target.swiftSettings?.append(.unsafeFlags(["-Osize"], .when(configuration: .release)))
  }
}
