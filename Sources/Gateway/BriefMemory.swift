import Synchronization

/// What was read of each of many keys, for a short time, so that a crowd of requests does not become a crowd of round trips.
/// Bounded: what does not fit in is read again. Safe to share.
final class BriefMemory<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private typealias Entry = (value: Value, until: ContinuousClock.Instant)

  private let entries = Mutex<[Key: Entry]>([:])
  private let lifetime: Duration
  private let capacity: Int

  init(lifetime: Duration, capacity: Int) {
    self.lifetime = lifetime
    self.capacity = capacity
  }

  /// Nil when it was not read within the lifetime.
  func value(of key: Key) -> Value? {
    let now = ContinuousClock.now
    return entries.withLock { $0[key].flatMap { $0.until > now ? $0.value : nil } }
  }

  /// - Parameter time: when it began to be read; what is changed later may not be in it.
  func keep(_ value: Value, of key: Key, readAt time: ContinuousClock.Instant) {
    entries.withLock { entries in
      if entries.count >= capacity { entries = entries.filter { $0.value.until > time } }
      if entries.count < capacity || entries[key] != nil { entries[key] = (value, time + lifetime) }
    }
  }
}
