import Glibc

/// Named places at which the process kills itself, so that tests can crash a worker between any two effects. Off
/// unless `TOLLWAY_FAILPOINT=<name>:<n>` is set: then the n-th pass of that place ends the process as SIGKILL would.
package final class Failpoints: Sendable {
  /// One place after each step of the order of effects.
  package enum Place: String, CaseIterable, Sendable {
    case afterClaim = "after_claim"
    case afterGet = "after_get"
    case afterVacant = "after_vacant"
    case afterAdmit = "after_admit"
    case afterParkCopy = "after_park_copy"
    case afterCommit = "after_commit"
    case afterDeclare = "after_declare"
    case beforeProvider = "before_provider"
    case afterProvider = "after_provider"
    case afterAdvance = "after_advance"
    case afterLetter = "after_letter"
    case afterCopy = "after_copy"
    case afterFinish = "after_finish"
    case afterCosts = "after_costs"
    case afterResults = "after_results"
    case afterAck = "after_ack"
  }

  private let place: Place?
  private let counter: Counter

  /// Never fails.
  package static let none = Failpoints(place: nil, pass: 0)

  init(place: Place?, pass: Int) {
    self.place = place
    counter = Counter(remaining: pass)
  }

  /// - Parameter text: `<name>:<n>` or `<name>`, which means the first pass; nil for none.
  /// - Returns: nil when the text names no place.
  package convenience init?(parsing text: String?) {
    guard let text, !text.isEmpty else {
      self.init(place: nil, pass: 0)
      return
    }
    let parts = text.split(separator: ":", maxSplits: 1)
    guard let place = Place(rawValue: String(parts[0])) else { return nil }
    let pass = parts.count > 1 ? Int(parts[1]) : 1
    guard let pass, pass >= 1 else { return nil }
    self.init(place: place, pass: pass)
  }

  package func pass(_ passed: Place) async {
    guard place == passed else { return }
    if await counter.isLast() { kill(getpid(), SIGKILL) }
  }

  private actor Counter {
    private var remaining: Int

    init(remaining: Int) { self.remaining = remaining }

    func isLast() -> Bool {
      remaining -= 1
      return remaining == 0
    }
  }
}
