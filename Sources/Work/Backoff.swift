import Contracts

/// How long an over-limit job waits on the ladder before it is tried again: a rung drawn at random from those up to
/// twice its last one, at most 8 s. Drawn, because jobs that were handed back together must not come back together;
/// bounded, because nothing wakes them earlier.
enum Backoff {
  static let longest = 3

  static func delay(afterTrips trips: Int) -> Duration {
    .seconds(Topology.rungs[Int.random(in: 0...min(trips, longest))])
  }
}
