import Foundation
import TestKit
import Testing

/// The scheduling core, played over many seeds. `TOLLWAY_TEST_SEED` replays one and shows its last steps.
@Suite struct SimulationTests {
  @Test func `whatever arrives and breaks, jobs end once, limits hold and nothing is left`() async {
    if let seed = ProcessInfo.processInfo.environment["TOLLWAY_TEST_SEED"].flatMap({ UInt64($0) }) {
      let failure = play(seed, traceLength: 200)
      #expect(failure == nil, "seed \(seed): \(failure?.description ?? "")")
      return
    }
    await withTaskGroup(of: Void.self) { group in
      for part in UInt64(0)..<2 {
        group.addTask {
          for seed in 1...UInt64(1050) {
            let seed = 2 * seed + part
            if let failure = play(seed) { Issue.record("TOLLWAY_TEST_SEED=\(seed): \(failure)") }
          }
        }
      }
    }
  }

  private func play(_ seed: UInt64, traceLength: Int = 0) -> Simulation.Failure? {
    var random = SplitMix64(seed: seed)
    let simulation = Simulation(.random(&random), seed: seed)
    simulation.traceLength = traceLength
    return simulation.run()
  }
}
