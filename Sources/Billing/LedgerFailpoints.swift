import Glibc
import Synchronization

/// Places in the booking of a batch at which the process kills itself, so that tests can crash billing between any two
/// effects. Off unless `TOLLWAY_FAILPOINT=<name>:<n>` names one: then its n-th pass ends the process as SIGKILL would.
final class LedgerFailpoints: Sendable {
  enum Place: String {
    case beforeInsert = "ledger_before_insert"
    case beforeCommit = "ledger_before_commit"
    /// The batch is on disk, and its messages are not acked.
    case afterCommit = "ledger_after_commit"
  }

  private let place: Place?
  private let remaining: Mutex<Int>

  static let none = LedgerFailpoints(parsing: nil)

  init(parsing text: String?) {
    let parts = (text ?? "").split(separator: ":", maxSplits: 1)
    place = parts.first.flatMap { Place(rawValue: String($0)) }
    remaining = Mutex(parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
  }

  func pass(_ passed: Place) {
    guard place == passed else { return }
    let isLast = remaining.withLock { count in
      count -= 1
      return count == 0
    }
    if isLast { kill(getpid(), SIGKILL) }
  }
}
