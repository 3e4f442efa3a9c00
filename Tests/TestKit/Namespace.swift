import Glibc
import Synchronization

/// Names that no other test uses, in this process or beside it: prefixes for exchanges, queues and keys
/// (`TOLLWAY_NAMESPACE`), so that tests share servers without meeting.
package enum Namespace {
  private static let count = Atomic<Int>(0)

  /// At most 24 characters of `a-z`, `0-9` and `-`.
  package static func unique() -> String {
    let number = count.add(1, ordering: .relaxed).newValue
    return "t\(getpid())-\(number)-\(String(UInt32.random(in: .min ... .max), radix: 36))"
  }
}
