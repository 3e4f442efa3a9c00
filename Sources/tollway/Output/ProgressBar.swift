import Contracts
import Foundation

/// How far a long command is, on standard error: a bar that is redrawn on a terminal, else a line every tenth.
struct ProgressBar {
  private let verb: String
  private let total: Int
  private let isTerminal: Bool
  private let start = ContinuousClock.now
  private var lastDrawn: ContinuousClock.Instant?
  private var lastTenth = 0

  /// - Parameter verb: what is done with each, as in "submitted 20 of 100".
  init(_ verb: String, total: Int) {
    self.verb = verb
    self.total = total
    isTerminal = isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }

  mutating func advance(to done: Int) {
    guard total > 0 else { return }
    if isTerminal {
      let now = ContinuousClock.now
      if done < total, let lastDrawn, now - lastDrawn < .milliseconds(50) { return }
      lastDrawn = now
      StandardError.write("\r\u{1B}[K" + Self.bar(verb, done, total, now - start) + (done >= total ? "\n" : ""))
    } else if done * 10 / total > lastTenth {
      lastTenth = done * 10 / total
      StandardError.line("\(verb) \(done) of \(total)")
    }
  }

  /// Ends the line of a bar that did not reach its end.
  func stop() {
    if isTerminal, lastDrawn != nil { StandardError.write("\n") }
  }

  static func bar(_ verb: String, _ done: Int, _ total: Int, _ elapsed: Duration) -> String {
    let width = 30
    let filled = min(width, done * width / total)
    let seconds = elapsed.seconds
    let rate = seconds > 0.2 ? "  \(Int((Double(done) / seconds).rounded()))/s" : ""
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    return "\(verb) \(bar) \(done)/\(total)\(rate)"
  }
}
