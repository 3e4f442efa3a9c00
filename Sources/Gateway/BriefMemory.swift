import Synchronization

/// What was read of each of many keys, for a short time, so that a crowd of requests does not become a crowd of round trips.
/// Bounded: what does not fit in is read again. What is over is looked for only when it is full, and once in a lifetime:
/// filled with what nobody asks for again, it costs no more than one that is not. Safe to share.
final class BriefMemory<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private typealias Entry = (value: Value, until: ContinuousClock.Instant)

  private struct State {
    var entries: [Key: Entry] = [:]
    /// Nil before the first time.
    var sweptAt: ContinuousClock.Instant?
  }

  private let state = Mutex(State())
  private let lifetime: Duration
  private let capacity: Int

  init(lifetime: Duration, capacity: Int) {
    self.lifetime = lifetime
    self.capacity = capacity
  }

  /// Entries, those included whose lifetime is over; for tests.
  var count: Int { state.withLock { $0.entries.count } }

  /// Nil when it was not read within the lifetime.
  func value(of key: Key, at now: ContinuousClock.Instant = .now) -> Value? {
    state.withLock { $0.entries[key].flatMap { $0.until > now ? $0.value : nil } }
  }

  /// - Parameter time: when it began to be read; what is changed later may not be in it.
  func keep(_ value: Value, of key: Key, readAt time: ContinuousClock.Instant) {
    state.withLock { state in
      if state.entries.count >= capacity, state.sweptAt.map({ time - $0 >= lifetime }) ?? true {
        state.entries = state.entries.filter { $0.value.until > time }
        state.sweptAt = time
      }
      if state.entries.count < capacity || state.entries[key] != nil {
        state.entries[key] = (value, time + lifetime)
      }
    }
  }
}
