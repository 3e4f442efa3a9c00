import Contracts
import TestKit
import Testing

@testable import Work

/// How much a worker takes on at once.
@Suite struct WorkerConfigurationTests {
  private func configuration(slots: Int, lanes: [Lane] = Lane.allCases) -> WorkerConfiguration {
    var configuration = WorkerConfiguration(workerID: "w")
    configuration.slots = slots
    configuration.lanes = lanes
    return configuration
  }

  @Test(arguments: [(1, Lane.allCases), (8, [.low]), (16, Lane.allCases), (64, [.critical, .high])])
  func `while nothing can be settled, what was begun stays under a bound and comes near to it`(
    slots: Int, lanes: [Lane]
  ) {
    let configuration = configuration(slots: slots, lanes: lanes)
    let bound = configuration.mostUnsettled + slots - 1
    var highest = 0
    for seed in UInt64(0)..<50 {
      var random = SplitMix64(seed: seed)
      var (busy, unsettled) = (0, 0)
      // A wave starts some of what it may, then some runs end, whose events nobody takes.
      for _ in 0..<20 * bound {
        let free = max(0, configuration.free(busy: busy, unsettled: unsettled))
        busy += Int.random(in: 0...free, using: &random)
        highest = max(highest, busy + unsettled)
        let ended = Int.random(in: 0...busy, using: &random)
        busy -= ended
        unsettled += ended
      }
      #expect(busy <= slots)
      #expect(busy + unsettled >= configuration.mostUnsettled, "it held back more than it had to")
      #expect(configuration.free(busy: busy, unsettled: unsettled) <= 0)
      #expect(configuration.free(busy: busy, unsettled: 0) == slots - busy)
    }
    #expect(highest <= bound)
    #expect(highest > configuration.mostUnsettled || slots == 1)
  }

  @Test func `a full prefetch of every lane may be unsettled, so that settling never holds up a lane by itself`() {
    let configuration = configuration(slots: 16)
    #expect(configuration.prefetch == 32 && configuration.mostUnsettled == 128)
    #expect(configuration.free(busy: 3, unsettled: 127) == 1)
    #expect(configuration.free(busy: 3, unsettled: 100) == 13)
  }
}
