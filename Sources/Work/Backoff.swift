import Admission
import Contracts

/// How long a job waits on the ladder, where nothing wakes it earlier: at least until its expected start, and at least
/// twice as long with each trip, up to `longest`.
enum Backoff {
  /// Rungs that are doubled; the sixth is 64 s.
  static let longest = 6

  /// For a provider that rests: at most the time between two probes of it.
  static func delay(forRest rest: Duration, afterTrips trips: Int) -> Duration {
    min(BreakerView.longest, max(rest, .seconds(1 << min(trips, 4))))
  }

  static func delay(for place: WaitPlace, afterTrips trips: Int) -> Duration {
    max(place.expected, .seconds(1 << min(trips, longest)))
  }
}
