import Synchronization

/// How many bytes of deliveries this process holds. Prefetch bounds their number; bodies of a mebibyte each would still
/// be too much memory, so the intake pauses above the limit. Callable from any thread.
final class ByteBudget: Sendable {
  let limit: Int
  private let used = Atomic<Int>(0)

  init(limit: Int) { self.limit = limit }

  var isExceeded: Bool { used.load(ordering: .relaxed) > limit }

  /// Low enough to take more: a pause and its end must lie apart, or every delivery would bring another pause.
  var isRelaxed: Bool { used.load(ordering: .relaxed) <= limit / 2 }

  func take(_ bytes: Int) -> Share { Share(bytes, of: self) }

  /// Bytes that are given back when the last copy of their delivery is gone, whichever way it went.
  final class Share: Sendable {
    private let bytes: Int
    private let budget: ByteBudget

    fileprivate init(_ bytes: Int, of budget: ByteBudget) {
      self.bytes = bytes
      self.budget = budget
      budget.used.add(bytes, ordering: .relaxed)
    }

    deinit { budget.used.subtract(bytes, ordering: .relaxed) }
  }
}
