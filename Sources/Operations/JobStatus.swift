import Contracts

/// How one job stands, for those who sent it: what `Explanation` says, without what only operators need, and the result
/// with its output.
package struct JobStatus: Sendable {
  package let explanation: Explanation
  /// The result event, whole while its output is kept, behind that with the files that it names; nil until the job has
  /// ended.
  package let result: [UInt8]?
  /// Of that; nil when it is not kept any more. What names files is kept as long as the job is remembered.
  package let output: [UInt8]?

  package init(_ explanation: Explanation, result: [UInt8]?, output: [UInt8]?) {
    self.explanation = explanation
    self.result = result.map { ResultEvent.joined($0, output: output) }
    self.output = output
  }

  /// Whether nothing more will happen to it by itself.
  package var isOver: Bool { !["queued", "waiting", "running"].contains(explanation.state) }

  /// Whether there is more to say than another estimate.
  package func isNews(after before: JobStatus) -> Bool {
    let (old, new) = (before.explanation, explanation)
    return old.state != new.state || old.reason != new.reason || old.position != new.position || old.run != new.run
      || old.attempts.count != new.attempts.count || old.lane != new.lane
  }

  /// One JSON object, its members always there.
  /// - Parameter withResult: false leaves that member out.
  package func encoded(withResult: Bool = true) -> [UInt8] {
    var json = JSONWriter(capacity: 768 + (result?.count ?? 0))
    json.literal("{")
    json.member("id", explanation.job)
    json.member("userId", explanation.user)
    json.member("status", explanation.state)
    json.member("reason", explanation.reason)
    json.member("lane", explanation.lane)
    json.member("tier", explanation.tier)
    json.member("run", explanation.run)
    json.key("position")
    if let position = explanation.position { json.integer(Int64(position)) } else { json.literal("null") }
    json.member("expectedStart", explanation.expectedStart)
    json.member("acceptedAt", explanation.acceptedAt)
    json.member("waitingSince", explanation.waitingSince)
    json.member("runningSince", explanation.runningSince)
    json.key("attempts")
    json.literal("[")
    for (index, attempt) in explanation.attempts.enumerated() {
      json.literal(index > 0 ? ",{" : "{")
      json.member("n", Int64(attempt.n))
      json.member("provider", attempt.provider)
      json.member("model", attempt.model)
      json.member("outcome", attempt.outcome)
      json.key("ms")
      if let milliseconds = attempt.milliseconds {
        json.integer(Int64(milliseconds))
      } else {
        json.literal("null")
      }
      json.literal("}")
    }
    json.literal("]")
    json.key("error")
    if let error = explanation.error {
      json.literal("{")
      json.member("code", error.code)
      json.member("message", error.message)
      json.literal("}")
    } else {
      json.literal("null")
    }
    json.member("time", explanation.time)
    if withResult {
      json.key("result")
      if let result { json.raw(result) } else { json.literal("null") }
    }
    json.literal("}")
    return json.bytes
  }
}
