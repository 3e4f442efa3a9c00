import AMQP
import Admission
import Billing
import Catalog
import Contracts
import Foundation
import Lanes
import Logging
import Operations
import Redis
import TestKit
import Testing

@testable import Gateway

extension Seats.Holder {
  static let `operator` = Self(key: nil, isConsole: true)
}

@Suite(.timeLimit(.minutes(5)))
struct FleetSamplerTests {
  /// A sampler of its own beside the gateway's, running while `body` does.
  private func sampling(
    _ bench: GatewayBench, broker: LaneBroker? = nil, _ body: (FleetSampler) async throws -> Void
  ) async throws {
    let policy = try PolicyFile.read(text: GatewayBench.policy).0
    let sampler = FleetSampler(
      desk: bench.desk, broker: broker ?? bench.broker, policy: { policy }, ledger: bench.ledger,
      seats: Seats(limit: 100, console: 0, key: 100),
      configuration: GatewayConfiguration(address: GatewayAddress(host: "127.0.0.1", port: 0)),
      now: { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }, logger: bench.log.logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await sampler.run() }
      try await body(sampler)
      group.cancelAll()
    }
  }

  @Test func `a page has the fleet as it is`() async throws {
    try await GatewayBench.with { bench in
      var report = WorkerReport(worker: "w1", slots: 8)
      report.running[.high] = 3
      try await bench.desk.report(report)
      _ = try await bench.submit(echo("job"))
      try await sampling(bench) { sampler in
        var sight = await sampler.current()
        try await waitUntil("the sample is whole", within: .seconds(60)) {
          try await bench.desk.report(report)
          sight = await sampler.current()
          let sample = sight.sample
          return sample.workers == 1 && sample[.low].ready == 1 && sample.money != nil && !sample.isStale
        }
        #expect(sight.sample.busy == 3 && sight.sample.slots == 8 && sight.sample.dead == 0)
        #expect(sight.sample.providers.map(\.row.provider) == ["echo"])
        #expect(sight.sample.conditions == [] && sight.sample.money?.days.count == MoneyReader.days)
        #expect(sight.verdict.headline == "No worker takes from any lane, and 1 job waits.", "\(sight.verdict)")
      }
    }
  }

  @Test func `who watches costs Redis nothing, and nobody waits for the slowest`() async throws {
    let server = try await LiveRedis.dedicated()
    try await GatewayBench.with(redisURL: server.url) { bench in
      for user in ["ana", "ben", "cleo"] {
        _ = try await bench.start(try echoJob("runs-\(user)", user: user), limit: 1)
      }
      try await sampling(bench) { sampler in
        let one = try await load(of: 1, on: sampler, bench)
        let fifty = try await load(of: 50, on: sampler, bench)
        #expect(one.commands <= 50, "\(one.commands) commands a second")
        #expect(fifty.commands <= 50, "\(fifty.commands) commands a second")
        #expect(fifty.scripts <= 3, "\(fifty.scripts) scripts a second")
      }
    }
  }

  /// What Redis does in a second.
  private struct Load {
    var commands: Double
    var scripts: Double
  }

  /// While so many are shown six frames each, and one more reads none.
  private func load(of viewers: Int, on sampler: FleetSampler, _ bench: GatewayBench) async throws -> Load {
    var seats: [Gallery<FleetFrame>.Seat] = []
    for _ in 0..<viewers { seats.append(try sampler.join(for: .operator)) }
    let slow = try sampler.join(for: .operator)
    let commandsBefore = try await commands(bench)
    let scriptsBefore = try await bench.scriptCalls()
    let begin = ContinuousClock.now
    try await withThrowingTaskGroup(of: Int.self) { group in
      for seat in seats {
        group.addTask { await Self.frames(6, of: seat) }
      }
      for try await frames in group { #expect(frames == 6) }
    }
    let seconds = (ContinuousClock.now - begin).seconds
    withExtendedLifetime(slow) {}
    let commandsAfter = try await commands(bench)
    let scriptsAfter = try await bench.scriptCalls()
    return Load(
      commands: Double(commandsAfter - commandsBefore) / seconds,
      scripts: Double(scriptsAfter - scriptsBefore) / seconds)
  }

  private static func frames(_ count: Int, of seat: Gallery<FleetFrame>.Seat) async -> Int {
    var frames = 0
    while frames < count, case .status = await seat.viewer.next() { frames += 1 }
    return frames
  }

  /// All that Redis has done, inside scripts, too.
  private func commands(_ bench: GatewayBench) async throws -> Int {
    let text = try await bench.redis.command(RedisCommand("INFO").arg("commandstats")).string ?? ""
    return text.split(whereSeparator: \.isNewline).reduce(0) { sum, line in
      guard let calls = line.range(of: ":calls=") else { return sum }
      return sum + (Int(line[calls.upperBound...].prefix { $0.isNumber }) ?? 0)
    }
  }

  @Test func `Redis that goes away is told since when, and is seen again`() async throws {
    let server = try await LiveRedis.dedicated()
    try await GatewayBench.with(redisURL: server.url) { bench in
      try await bench.desk.report(WorkerReport(worker: "w1", slots: 8))
      try await sampling(bench) { sampler in
        try await waitUntil("the fleet is known", within: .seconds(60)) {
          try await bench.desk.report(WorkerReport(worker: "w1", slots: 8))
          return await sampler.current().sample.slots == 8
        }
        try await server.stop()
        try await waitUntil("the silence is told", within: .seconds(60)) {
          await sampler.current().verdict.state == .unknown
        }
        let sight = await sampler.current()
        #expect(sight.sample.redis.isAway && sight.sample.slots == 8 && !sight.sample.broker.isAway)
        #expect(sight.verdict.headline.hasPrefix("Redis has not answered since"), "\(sight.verdict)")
        try await server.start()
        try await waitUntil("Redis is seen again", within: .seconds(60)) {
          let sample = await sampler.current().sample
          return !sample.redis.isAway && !sample.isStale
        }
      }
    }
  }

  @Test func `a broker that was never there leaves what Redis says`() async throws {
    try await GatewayBench.with { bench in
      let port = try freePort()
      let broker = LaneBroker(
        try AMQPConfiguration(url: "amqp://guest:guest@127.0.0.1:\(port)/", name: "nobody"),
        topology: bench.broker.topology, logger: bench.log.logger)
      try await sampling(bench, broker: broker) { sampler in
        try await waitUntil("the silence is told", within: .seconds(60)) {
          await sampler.current().sample.broker.isAway
        }
        let sight = await sampler.current()
        #expect(sight.sample.broker.age == nil && sight.sample.redis.age != nil && sight.sample.dead == nil)
        #expect(sight.verdict.state == .stopped && sight.verdict.whose == .ours, "\(sight.verdict)")
      }
    }
  }

  @Test func `a gateway that ends ends what is watched`() async throws {
    try await GatewayBench.with { bench in
      let sampler = try await ended(bench)
      #expect(throws: Problem.self) { try sampler.join(for: .operator) }
    }
  }

  private func ended(_ bench: GatewayBench) async throws -> FleetSampler {
    var known: FleetSampler?
    try await sampling(bench) { sampler in
      known = sampler
      _ = await sampler.current()
    }
    return try #require(known)
  }
}
