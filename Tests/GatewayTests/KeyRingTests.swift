import Admission
import Redis
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(5)))
struct KeyRingTests {
  private static let unavailable = KeyRing.Verdict.unavailable(.seconds(1))

  private func ring(_ desk: AdmissionDesk) -> KeyRing {
    KeyRing(desk: desk, hasHadKeys: { false }, admitsLocalOperator: true, logger: RecordingLog().logger)
  }

  @Test func `a Redis that hangs makes nobody wait who asks behind one that waited in vain`() async throws {
    let server = try await LiveRedis.dedicated()
    var configuration = try RedisConfiguration(url: server.url)
    configuration.commandDeadline = .seconds(1)
    let redis = RedisClient(configuration, logger: RecordingLog().logger)
    let desk = AdmissionDesk(
      redis: redis, keys: AdmissionKeys(namespace: Namespace.unique()), configuration: AdmissionConfiguration())
    try await desk.openEpoch()
    let ring = ring(desk)
    _ = try await redis.command(RedisCommand("CLIENT").arg("PAUSE").arg(6000))
    let first = ContinuousClock.now
    #expect(await ring.verdict(onKey: "a") == Self.unavailable)
    let second = ContinuousClock.now
    #expect(await ring.verdict(onKey: "b") == Self.unavailable)
    let (waited, behind) = (second - first, ContinuousClock.now - second)
    #expect(waited >= .seconds(1) && behind < .milliseconds(500), "\(waited), \(behind)")
    try await waitUntil("Redis is asked again") { await ring.verdict(onKey: "b") == .refused }
    await redis.close()
  }

  @Test func `a Redis that fails at once is asked again at once`() async throws {
    try await GatewayBench.with { bench in
      let ring = ring(bench.desk)
      let broken = RedisCommand("SET").arg(bench.desk.keys.apiKeys).arg("no keys")
      _ = try await bench.redis.command(broken)
      #expect(await ring.verdict(onKey: "a") == Self.unavailable)
      _ = try await bench.redis.command(RedisCommand("DEL").arg(bench.desk.keys.apiKeys))
      #expect(await ring.verdict(onKey: "a") == .refused)
    }
  }
}
