package import Contracts

/// The last quarter of an hour in steps of fifteen seconds, for a picture beside the figures of now.
package struct FleetTrend: Sendable, Hashable {
  package struct Point: Sendable, Hashable {
    package var running: Int
    package var runnable: Int
    /// For anything but a slot.
    package var waiting: Int

    package init(running: Int, runnable: Int, waiting: Int) {
      self.running = running
      self.runnable = runnable
      self.waiting = waiting
    }
  }

  package static let step: Duration = .seconds(15)
  package static let length = 60

  /// The newest last, at most `length`; nil where nothing could be read in that step.
  package private(set) var points: [Lane: [Point?]]

  package init(points: [Lane: [Point?]] = [:]) { self.points = points.mapValues { $0.suffix(Self.length) } }

  /// - Parameter sample: as it stands at the end of the step; one of which a part is missing leaves a gap.
  package mutating func add(_ sample: FleetSample) {
    let isKnown =
      sample.redis.age != nil && !sample.redis.isAway && sample.broker.age != nil && !sample.broker.isAway
    for lane in Lane.allCases {
      let figures = sample[lane]
      let point = Point(
        running: figures.running, runnable: figures.runnable, waiting: figures.backlog - figures.runnable)
      points[lane] = ((points[lane] ?? []) + [isKnown ? point : nil]).suffix(Self.length)
    }
  }
}
