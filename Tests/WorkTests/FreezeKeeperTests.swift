import Admission
import Catalog
import Contracts
import Logging
import Redis
import TestKit
import Testing

@testable import Work

/// What a worker makes of what Redis says of the freeze, on a real Redis.
@Suite struct FreezeKeeperTests {
  private let redis: RedisClient
  private let keys = AdmissionKeys(namespace: Namespace.unique())
  private let desk: AdmissionDesk
  private let keeper: FreezeKeeper
  private let planner: Planner

  init() async throws {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    redis = RedisClient(try RedisConfiguration(url: try await LiveRedis.shared().url), logger: logger)
    desk = AdmissionDesk(redis: redis, keys: keys, configuration: AdmissionConfiguration())
    keeper = FreezeKeeper(desk: desk, logger: logger)
    planner = Planner(policy: try Self.policy(["1.0", "1.1"]), prices: PriceBook([]), stamp: "p1")
  }

  /// The newest version is on trial.
  private static func policy(_ versions: [String]) throws -> Policy {
    var (policy, _) = try PolicyFile.read(text: PolicyFile.builtIn)
    policy.models = versions.map {
      ModelListing(provider: "echo", task: .echo, model: "echo", version: $0, stage: .stable, verified: true)
    }
    policy.canaries = [
      Canary(id: "c", provider: "echo", task: .echo, model: "echo", version: versions.last ?? "", percent: 100)
    ]
    return policy
  }

  private func freeze(_ id: String, _ versions: [String]) throws -> Freeze {
    Freeze(of: try Self.policy(versions), id: id, since: Timestamp(milliseconds: 0), by: "ana", reason: "")
  }

  /// What the next wave would hear, and hears.
  private func wave() async throws { try await keeper.hear(try await desk.outlook(of: []).freeze) }

  private func versions(of planner: Planner? = nil) -> [String?] {
    keeper.apply(to: planner ?? self.planner).policy.models.map(\.version)
  }

  private func set(_ freeze: Freeze) async throws { try await desk.setFreeze(id: freeze.id, freeze.encoded()) }

  private func spoil(_ bytes: String?) async throws {
    let command = bytes.map { RedisCommand("SET").arg(keys.freeze).arg($0) } ?? RedisCommand("DEL").arg(keys.freeze)
    _ = try await redis.command(command)
  }

  @Test func `a freeze is in force with the first wave that hears of it, and over with the first that hears that`()
    async throws
  {
    try await wave()
    #expect(versions() == ["1.0", "1.1"])
    #expect(keeper.apply(to: planner).stamp == "p1")
    try await set(try freeze("f1", ["0.8", "0.9", "1.1"]))
    try await wave()
    #expect(versions() == ["0.8", "0.9"])
    #expect(keeper.apply(to: planner).policy.canaries.isEmpty)
    #expect(keeper.apply(to: planner).stamp == "p1*f1")
    try await desk.clearFreeze()
    try await wave()
    #expect(versions() == ["1.0", "1.1"])
    #expect(keeper.apply(to: planner).stamp == "p1")
  }

  @Test func `another freeze takes the place of the one before`() async throws {
    try await set(try freeze("f1", ["0.8", "1.1"]))
    try await wave()
    try await set(try freeze("f2", ["0.9", "1.1"]))
    try await wave()
    #expect(versions() == ["0.9"])
  }

  @Test func `what a freeze holds is served beside what the file lists, and a change is told once`() async throws {
    #expect(!keeper.takeChange())
    try await set(try freeze("f1", ["0.9", "1.1"]))
    try await wave()
    #expect(keeper.takeChange())
    #expect(!keeper.takeChange())
    #expect(keeper.serving(planner.policy).models.map(\.version) == ["1.0", "1.1", "0.9"])
  }

  @Test func `a Redis that lost its memory changes nothing`() async throws {
    try await set(try freeze("f1", ["0.9", "1.1"]))
    try await wave()
    _ = try await redis.command(RedisCommand("DEL").arg(keys.entitlements).arg(keys.freeze))
    try await wave()
    #expect(versions() == ["0.9"])
  }

  @Test(arguments: [nil, "", "{}", #"{"id":"f2","since":"today"}"#])
  func `a freeze that cannot be read leaves the last one in force until it can be`(bytes: String?) async throws {
    try await set(try freeze("f1", ["0.9", "1.1"]))
    try await wave()
    try await set(try freeze("f2", ["0.8", "1.1"]))
    try await spoil(bytes)
    for _ in 0..<2 {
      try await wave()
      #expect(versions() == ["0.9"])
    }
    try await set(try freeze("f2", ["0.8", "1.1"]))
    try await wave()
    #expect(versions() == ["0.8"])
  }

  @Test(arguments: [nil, "{}"])
  func `a freeze that cannot be read holds what is approved now where none was known`(bytes: String?) async throws {
    try await set(try freeze("f1", ["0.9", "1.1"]))
    try await spoil(bytes)
    try await wave()
    #expect(versions() == ["1.0"], "the version on trial stops")
    #expect(keeper.apply(to: planner).policy.canaries.isEmpty)
    let later = planner.adopting(try Self.policy(["1.0", "1.2", "2.0"]), stamp: "p2")
    try await wave()
    #expect(versions(of: later) == ["1.0"], "what the file lists later does not move it")
    try await set(try freeze("f1", ["0.9", "1.1"]))
    try await wave()
    #expect(versions(of: later) == ["0.9"])
  }

  @Test func `the end of a freeze that could not be read ends it`() async throws {
    try await set(try freeze("f1", ["0.9", "1.1"]))
    try await spoil(nil)
    try await wave()
    #expect(versions() == ["1.0"])
    try await desk.clearFreeze()
    try await wave()
    #expect(versions() == ["1.0", "1.1"])
  }
}
