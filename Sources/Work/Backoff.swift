import Admission
import Contracts

/// How long a job waits on the ladder, where nothing wakes it earlier: at least until its expected start, and at least
/// twice as long with each trip, up to `longest`.
enum Backoff {
  /// Rungs that are doubled; the sixth is 64 s.
  static let longest = 6

  static func delay(for place: WaitPlace, afterTrips trips: Int) -> Duration {
    max(place.expected, .seconds(1 << min(trips, longest)))
  }
}
