import Admission
import Contracts

// Figures and times as the sentences have them.

extension VerdictJudge {
  /// Free to start.
  var runnable: Int { sample.lanes.reduce(0) { $0 + $1.runnable } }

  /// All that waits, for whatever reason.
  var backlog: Int { sample.lanes.reduce(0) { $0 + $1.backlog } }

  func waiting(for reason: WaitReason) -> Int { sample.lanes.reduce(0) { $0 + ($1.waiting[reason] ?? 0) } }

  /// Whether jobs wait because every slot is taken.
  var isTight: Bool { runnable > 0 && sample.slots > 0 && sample.busy >= sample.slots }

  /// The same as a part of a sentence.
  var tightness: String? {
    guard isTight else { return nil }
    return "\(Explanation.full(sample.slots)), and \(jobs(runnable)) \(runnable == 1 ? "waits" : "wait") for one"
  }

  func jobs(_ count: Int) -> String { count == 1 ? "1 job" : "\(count) jobs" }

  func words(_ duration: Duration) -> String { Explanation.words(max(0, duration.seconds)) }

  /// `4 s ago`, `12 min ago`: what is old does not change every second.
  func ago(_ duration: Duration) -> String {
    let seconds = max(0, duration.seconds.rounded(.down))
    return "\(Explanation.words(seconds < 60 ? seconds : seconds - seconds.truncatingRemainder(dividingBy: 60))) ago"
  }

  /// `in 22 s`, or `now`.
  func due(_ time: Timestamp) -> String { time <= sample.time ? "now" : "in \(sample.time.words(until: time))" }

  /// When the backlog is through, if it goes on as it does.
  var drain: String {
    guard let pace = sample.finishedPerMinute else { return "When all of it is through is not known yet." }
    guard pace > 0 else { return "When all of it is through is not known: no run has ended for a minute." }
    if growth > Double(backlog) / 20 { return "At this pace the backlog does not get shorter." }
    return "At this pace all of it is through in about \(words(.seconds(Double(backlog) * 60 / pace)))."
  }

  /// By how much the backlog grew within the last minute.
  private var growth: Double {
    let steps = 4
    let points = trend.points.values.map { $0.suffix(steps) }
    guard points.count == Lane.allCases.count, points.allSatisfy({ $0.count == steps }) else { return 0 }
    let before = points.compactMap { $0.first.flatMap(\.self) }
    guard before.count == points.count else { return 0 }
    return Double(backlog - before.reduce(0) { $0 + $1.runnable + $1.waiting })
  }
}

extension Timestamp {
  /// `03:12:44Z`.
  var clock: String { "\(description.dropFirst(11).prefix(8))Z" }
}
