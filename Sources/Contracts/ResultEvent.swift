/// How a run ended, published to `results` and to the job's `reply_to`. Encoded with its output as the last member, so
/// that the event can be kept without the output (`withoutOutput`) and joined with it again (`joined`), byte for byte.
package struct ResultEvent: Sendable {
  /// One line of `attempts`.
  package struct Attempt: Sendable, Hashable {
    package var number: Int
    package var provider: String
    package var model: String
    package var outcome: AttemptOutcome
    package var milliseconds: Int64
    /// What was passed over before this attempt was made.
    package var skipped: [RouteSkip]

    package init(
      number: Int, provider: String, model: String, outcome: AttemptOutcome, milliseconds: Int64,
      skipped: [RouteSkip] = []
    ) {
      self.number = number
      self.provider = provider
      self.model = model
      self.outcome = outcome
      self.milliseconds = milliseconds
      self.skipped = skipped
    }
  }

  package struct Fault: Sendable, Hashable {
    package var code: EndCode
    /// For people; never holds texts of the job or of a provider's answer.
    package var message: String

    /// Whether the job set the bound itself that it broke: then nobody can release it.
    package var isOwnBound: Bool

    package init(_ code: EndCode, _ message: String, isOwnBound: Bool = false) {
      self.code = code
      self.message = message
      self.isOwnBound = isOwnBound
    }

    package var status: RunStatus { isOwnBound ? .failed : code.status }
    package var resting: EndCode.Resting { isOwnBound ? .gone : code.resting }
  }

  package var jobID: String
  package var userID: String
  /// Nil for messages that were refused before any policy was applied.
  package var tier: String?
  /// As written in the message; nil when it could not be read.
  package var taskType: String?
  package var status: RunStatus
  package var provider: String?
  package var model: String?
  package var modelVersion: String?
  package var usage: [Usage] = []
  package var cost: Money = .zero
  package var attempts: [Attempt] = []
  /// What was passed over behind the last attempt; of a run without one, all that was.
  package var skipped: [RouteSkip] = []
  package var seriesID: String?
  package var metadata: JSONValue?
  package var run: String
  package var fault: Fault?
  package var queuedAt: Timestamp?
  package var startedAt: Timestamp?
  package var finishedAt: Timestamp

  package init(
    jobID: String, userID: String, tier: String?, taskType: String?, status: RunStatus, run: String,
    finishedAt: Timestamp
  ) {
    self.jobID = jobID
    self.userID = userID
    self.tier = tier
    self.taskType = taskType
    self.status = status
    self.run = run
    self.finishedAt = finishedAt
  }

  /// `<job>/<run>`, the AMQP message id.
  package var messageID: String { "\(jobID)/\(run)" }

  /// `<task>.<status>`; an unreadable task is `unknown`.
  package var routingKey: String { Self.routingKey(task: taskType, status: status) }

  package static func routingKey(task: String?, status: RunStatus) -> String {
    "\(task.flatMap { TaskType(rawValue: $0) }?.rawValue ?? "unknown").\(status.rawValue)"
  }

  /// The event with `"output":null` as its last member.
  package func withoutOutput() -> [UInt8] {
    var json = JSONWriter(capacity: 768)
    json.literal("{")
    json.member("jobId", jobID)
    json.member("userId", userID)
    json.member("tier", tier)
    json.member("taskType", taskType)
    json.member("status", status.rawValue)
    json.member("provider", provider)
    json.member("model", model)
    json.member("modelVersion", modelVersion)
    json.key("usage")
    json.usage(usage, withSource: false)
    json.key("cost")
    json.literal("{")
    json.member("amount", cost.description)
    json.member("currency", "USD")
    json.literal("}")
    json.key("attempts")
    json.attempts(attempts)
    json.trail(skipped)
    json.member("seriesId", seriesID)
    json.key("metadata")
    if let metadata { json.raw(metadata.raw) } else { json.literal("{}") }
    json.member("run", run)
    json.key("error")
    json.fault(fault)
    json.member("queuedAt", queuedAt)
    json.member("startedAt", startedAt)
    json.member("finishedAt", finishedAt)
    json.literal(#","output":null}"#)
    return json.bytes
  }

  /// Puts an output (JSON text) in the place of the `null` that `withoutOutput` ends with.
  package static func joined(_ event: [UInt8], output: [UInt8]?) -> [UInt8] {
    guard let output, event.count > 5 else { return event }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(event.count + output.count)
    bytes.append(contentsOf: event.dropLast(5))
    bytes.append(contentsOf: output)
    bytes.append(UInt8(ascii: "}"))
    return bytes
  }
}

extension JSONWriter {
  fileprivate mutating func attempts(_ attempts: [ResultEvent.Attempt]) {
    literal("[")
    for (index, attempt) in attempts.enumerated() {
      literal(index > 0 ? ",{" : "{")
      member("n", Int64(attempt.number))
      member("provider", attempt.provider)
      member("model", attempt.model)
      member("outcome", attempt.outcome.rawValue)
      member("ms", attempt.milliseconds)
      trail(attempt.skipped)
      literal("}")
    }
    literal("]")
  }

  /// Left out where nothing was passed over.
  fileprivate mutating func trail(_ skipped: [RouteSkip]) {
    guard !skipped.isEmpty else { return }
    key("skipped")
    skips(skipped)
  }

  fileprivate mutating func fault(_ fault: ResultEvent.Fault?) {
    guard let fault else { return literal("null") }
    literal("{")
    member("code", fault.code.rawValue)
    member("message", fault.message)
    literal("}")
  }
}
