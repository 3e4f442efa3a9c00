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

    package init(number: Int, provider: String, model: String, outcome: AttemptOutcome, milliseconds: Int64) {
      self.number = number
      self.provider = provider
      self.model = model
      self.outcome = outcome
      self.milliseconds = milliseconds
    }
  }

  package struct Fault: Sendable, Hashable {
    package var code: EndCode
    /// For people; never holds texts of the job or of a provider's answer.
    package var message: String

    package init(_ code: EndCode, _ message: String) {
      self.code = code
      self.message = message
    }
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
    json.literal(#"{"jobId":"#)
    json.string(jobID)
    json.literal(#","userId":"#)
    json.string(userID)
    json.literal(#","tier":"#)
    json.string(tier)
    json.literal(#","taskType":"#)
    json.string(taskType)
    json.literal(#","status":"#)
    json.string(status.rawValue)
    json.literal(#","provider":"#)
    json.string(provider)
    json.literal(#","model":"#)
    json.string(model)
    json.literal(#","modelVersion":"#)
    json.string(modelVersion)
    json.literal(#","usage":"#)
    json.usage(usage, withSource: false)
    json.literal(#","cost":{"amount":"#)
    json.string(cost.description)
    json.literal(#","currency":"USD"},"attempts":["#)
    for (index, attempt) in attempts.enumerated() {
      if index > 0 { json.literal(",") }
      json.attempt(attempt)
    }
    json.literal(#"],"seriesId":"#)
    json.string(seriesID)
    json.literal(#","metadata":"#)
    if let metadata { json.raw(metadata.raw) } else { json.literal("{}") }
    json.literal(#","run":"#)
    json.string(run)
    json.literal(#","error":"#)
    if let fault {
      json.literal(#"{"code":"#)
      json.string(fault.code.rawValue)
      json.literal(#","message":"#)
      json.string(fault.message)
      json.literal("}")
    } else {
      json.literal("null")
    }
    json.literal(#","queuedAt":"#)
    json.string(queuedAt)
    json.literal(#","startedAt":"#)
    json.string(startedAt)
    json.literal(#","finishedAt":"#)
    json.string(finishedAt)
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
  fileprivate mutating func attempt(_ attempt: ResultEvent.Attempt) {
    literal(#"{"n":"#)
    integer(Int64(attempt.number))
    literal(#","provider":"#)
    string(attempt.provider)
    literal(#","model":"#)
    string(attempt.model)
    literal(#","outcome":"#)
    string(attempt.outcome.rawValue)
    literal(#","ms":"#)
    integer(attempt.milliseconds)
    literal("}")
  }
}
