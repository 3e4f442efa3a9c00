import Admission
import Billing
import Catalog
import Contracts
import Foundation
import Logging
import Operations
import Redis
import TestKit
import Testing

@testable import tollway

/// The copy of freeze and holds in a real Redis, as billing and the commands write it.
struct InterventionsTests {
  private let directory: TestDirectory
  private let redis: LiveRedis
  private let namespace = Namespace.unique()
  private let interventions: Interventions

  init() async throws {
    directory = try TestDirectory("interventions")
    redis = try await LiveRedis.shared()
    let client = RedisClient(try RedisConfiguration(url: redis.url), logger: Logger(label: "test"))
    let desk = AdmissionDesk(
      redis: client, keys: AdmissionKeys(namespace: namespace), configuration: AdmissionConfiguration())
    let ledger = try Ledger(path: directory.file("ledger.db").path)
    interventions = Interventions(in: ledger, desk: desk)
  }

  private func loseMemory() async throws {
    for key in ["entitlements", "freeze", "breakers"] {
      _ = try await redis.command("DEL", "\(namespace).{tollway.\(namespace)}:\(key)")
    }
  }

  private func outOfService() async throws -> [String: BreakerState.Reason] {
    try await interventions.desk.breakers().1.mapValues(\.reason)
  }

  @Test func `after a loss of Redis freeze and holds come back out of the ledger`() async throws {
    let policy = try PolicyFile.read(text: PolicyFile.builtIn).0
    let freeze = try await interventions.freezes.begin(with: policy, by: "ana", reason: "").freeze
    _ = try await interventions.holds.hold("openai", by: "ana", reason: "")
    for _ in 1...2 {
      try await loseMemory()
      #expect(try await !interventions.isCopied(freeze))
      try await interventions.copyFreeze()
      try await interventions.copyHolds()
      #expect(try await interventions.isCopied(freeze))
      let bytes = try #require(try await interventions.desk.freeze().bytes)
      #expect(try Freeze(decoding: bytes) == freeze)
      #expect(try await outOfService() == ["openai": .hand])
    }
  }

  @Test func `without a freeze Redis is told that there is none`() async throws {
    #expect(try await interventions.desk.freeze().id == nil)
    #expect(try await interventions.isCopied(nil))
    try await interventions.copyFreeze()
    #expect(try await interventions.desk.freeze().id == AdmissionDesk.noFreeze)
    #expect(try await interventions.isCopied(nil))
  }

  @Test func `a hold that the ledger does not have is taken back, a rest stays`() async throws {
    let rest = BreakerReport(scope: "anthropic", successes: 0, failures: 0, shut: .funds, pause: nil, probe: nil)
    _ = try await interventions.desk.report([rest])
    try await interventions.desk.hold("openai")
    _ = try await interventions.holds.hold("piper", by: "ana", reason: "")
    try await interventions.copyHolds()
    #expect(try await outOfService() == ["anthropic": .funds, "piper": .hand])
  }

  @Test func `holding a provider that rests lasts beyond its rest`() async throws {
    let rest = BreakerReport(scope: "openai", successes: 0, failures: 0, shut: .rate, pause: nil, probe: nil)
    _ = try await interventions.desk.report([rest])
    _ = try await interventions.holds.hold("openai", by: "ana", reason: "")
    try await interventions.copyHolds()
    #expect(try await outOfService() == ["openai": .hand])
  }
}
