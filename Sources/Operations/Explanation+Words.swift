import Admission
package import Contracts

// Lengths of time and other figures, for people.

extension Explanation {
  /// `0.4 s`, `39 s`, `2 min 5 s`, `3 h 4 min`.
  package static func words(_ seconds: Double) -> String {
    if seconds < 10 {
      let tenths = Int((seconds * 10).rounded())
      return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
    }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min" + (whole % 60 == 0 ? "" : " \(whole % 60) s") }
    return "\(whole / 3600) h" + (whole % 3600 / 60 == 0 ? "" : " \(whole % 3600 / 60) min")
  }

  /// `all 8 slots are busy`.
  package static func full(_ slots: Int) -> String {
    slots == 1 ? "the only slot is busy" : "all \(slots) slots are busy"
  }
}

extension Explanation.Resting {
  /// `openai: its calls failed`.
  package var words: String { "\(provider): \(BreakerState.Reason(rawValue: reason)?.words ?? reason)" }
}

extension Timestamp {
  /// `3 h 4 min`; a clock that was set back gives `0 s`.
  package func words(until end: Timestamp) -> String {
    Explanation.words(Double(max(0, end.milliseconds - milliseconds)) / 1000)
  }
}
