// swift-tools-version: 6.2
import Foundation
import PackageDescription

// The manifest is the floor plan: one line a room, top floor last. Who may import whom is decided here and nowhere else.

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),  // a C type cannot leak into a package declaration
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let mustache: Target.Dependency = .product(name: "Mustache", package: "swift-mustache")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

// jemalloc, linked statically, in the place of malloc: a tenth less CPU a job (docs/benchmarks.md). Left out where it is
// not installed.
let allocator: [LinkerSetting] =
  ["x86_64", "aarch64"].contains {
    FileManager.default.fileExists(atPath: "/usr/lib/\($0)-linux-gnu/libjemalloc_pic.a")
  }
  ? [.linkedLibrary("jemalloc_pic")] : []

func room(
  _ name: String, needs rooms: [Target.Dependency] = [], resources: [Resource] = []
) -> Target {
  .target(name: name, dependencies: rooms, resources: resources, swiftSettings: strict)
}

func tests(_ room: String, needs more: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
  .testTarget(
    name: "\(room)Tests", dependencies: [.init(stringLiteral: room), "TestKit"] + more, resources: resources,
    swiftSettings: strict)
}

let package = Package(
  name: "tollway",
  products: [.executable(name: "tollway", targets: ["tollway"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    .systemLibrary(name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),
    .systemLibrary(name: "CHiredis", pkgConfig: "hiredis", providers: [.apt(["libhiredis-dev"])]),
    .target(name: "CKernel"),
    .target(name: "CPostgres"),
    .target(name: "CAllocator", linkerSettings: allocator),

    room("Confinement", needs: ["CKernel"]),

    room("AMQP", needs: ["Confinement", "CRabbitMQ", logging, crypto]),
    room("Redis", needs: ["Confinement", "CHiredis", logging, crypto]),
    room("Postgres", needs: ["Confinement", "CPostgres", logging]),

    room("Contracts", needs: [crypto]),
    room("Catalog", needs: ["Contracts", yams], resources: [.embedInCode("Defaults")]),

    room("Lanes", needs: ["AMQP", "Confinement", "Contracts", logging]),
    room("Admission", needs: ["Redis", "Confinement", "Contracts", logging], resources: [.embedInCode("Scripts")]),
    room("Providers", needs: ["Contracts", "Catalog", httpClient, crypto, logging]),
    room("Billing", needs: ["Contracts", "Catalog", "Lanes", "Postgres", grdb, logging]),
    room("Observability", needs: ["Contracts", hummingbird, logging]),
    room(
      "Work",
      needs: [
        "Confinement", "Contracts", "Catalog", "Lanes", "Admission", "Providers", "Observability", crypto, logging,
      ]),

    // What commands and gateway both show and do, without printing.
    room("Operations", needs: ["AMQP", "Contracts", "Catalog", "Lanes", "Admission", "Billing", "Work"]),

    // Pages for people, out of what Operations knows. Makes text, and asks nobody.
    room(
      "Console", needs: ["Contracts", "Admission", "Billing", "Operations", crypto, mustache],
      resources: [.embedInCode("Templates"), .embedInCode("Assets")]),

    room(
      "Gateway",
      needs: [
        "AMQP", "Contracts", "Catalog", "Lanes", "Admission", "Billing", "Providers", "Observability", "Operations",
        "Console", hummingbird, crypto, logging,
      ], resources: [.embedInCode("Defaults")]),

    .executableTarget(
      name: "tollway",
      dependencies: [
        "AMQP", "Redis", "Contracts", "Catalog", "Lanes", "Admission", "Providers", "Billing", "Observability",
        "Operations", "Gateway", "Work", "CAllocator", arguments, httpClient, unixSignals, logging,
      ],
      swiftSettings: strict),

    .target(name: "TestKit", dependencies: [logging], path: "Tests/TestKit", swiftSettings: strict),
    tests("Confinement"),
    tests("AMQP", needs: ["Confinement", logging]),
    tests("Redis", needs: ["Confinement", logging]),
    tests("Postgres", needs: [logging]),
    tests("Contracts"),
    tests("Catalog", needs: ["Contracts"]),
    tests("Providers", needs: ["Contracts", "Catalog", logging]),
    tests("Billing", needs: ["Contracts", "Catalog", grdb, logging]),
    tests("Observability", needs: ["Contracts", logging]),
    tests("Lanes", needs: ["AMQP", "Contracts", logging]),
    tests("Work", needs: ["Admission", "AMQP", "Catalog", "Contracts", "Lanes", "Providers", "Redis", logging]),
    tests("Admission", needs: ["Contracts", "Redis", logging]),
    tests("Console", needs: ["Contracts", "AMQP", "Catalog", "Lanes", "Admission", "Billing", "Operations"]),
    tests(
      "Gateway",
      needs: [
        "Admission", "AMQP", "Billing", "Catalog", "Contracts", "Lanes", "Operations", "Redis", httpClient, logging,
      ]),
    .testTarget(
      name: "TollwayTests", dependencies: ["tollway", "Contracts", "TestKit"], swiftSettings: strict),
    .testTarget(name: "TestKitTests", dependencies: ["TestKit"], swiftSettings: strict),
  ])

// What the gateway is measured beside, built only for that (Benchmarks/gateway/run).
if Context.environment["TOLLWAY_BENCHMARKS"] != nil {
  package.targets.append(
    .executableTarget(
      name: "bare-door", dependencies: ["AMQP", "CAllocator", hummingbird, logging],
      path: "Benchmarks/gateway/bare-door", swiftSettings: strict))
}
