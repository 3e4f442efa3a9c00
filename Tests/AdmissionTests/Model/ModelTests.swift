import Foundation
import Redis
import Testing

extension StillClockTests {
  /// Random fleets against a model of what Redis should know. A failure names its seed: `TOLLWAY_TEST_SEED` repeats it.
  @Suite struct ModelTests {
    private static let environment = ProcessInfo.processInfo.environment

    @Test func `whatever a fleet does, Redis answers as the model and everything comes to its end`() async throws {
      let given = Self.environment["TOLLWAY_TEST_SEED"].flatMap { UInt64($0) }
      let first = given ?? UInt64.random(in: 0...UInt64(UInt32.max))
      let most = Self.environment["TOLLWAY_TEST_OPERATIONS"].flatMap { Int($0) } ?? 100_000
      var operations = 0
      var chapters: UInt64 = 0
      var statistics: [String: Int] = [:]
      repeat {
        let seed = first &+ chapters
        chapters += 1
        // Half of them begin shortly before a month ends.
        let start = try instant(seed % 2 == 0 ? "2026-11-30T23:59:00Z" : "2026-11-11T11:11:11.111Z")
        var world = try await World(seed: seed, start: start)
        do {
          for _ in 0..<2_000 { try await world.live() }
          try await world.settleDown()
        } catch {
          Issue.record("seed \(seed), operation \(world.operations): \(error)\n\(world.log.joined(separator: "\n"))")
          return
        }
        operations += world.operations
        statistics.merge(world.statistics) { $0 + $1 }
        await world.bench.redis.close()
      } while given == nil && operations < most
      let figures = statistics.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
      print("model: seeds \(first) to \(first &+ chapters - 1), \(operations) operations: \(figures)")
    }
  }
}
