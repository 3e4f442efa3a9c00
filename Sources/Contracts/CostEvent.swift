/// The priced fact of one attempt that reached a provider, published to `costs`. Its id is a pure function of job, run
/// and attempt, its bytes a pure function of its fields: an event that is announced again is identical.
package struct CostEvent: Sendable, Hashable {
  package var jobID: String
  package var run: String
  /// Counts from 1 within a run.
  package var attempt: Int
  package var seriesID: String?
  package var userID: String
  package var tier: String
  package var taskType: TaskType
  package var provider: String
  package var model: String
  package var modelVersion: String?
  package var outcome: AttemptOutcome
  package var usage: [Usage]
  package var cost: Cost
  /// When the attempt ended.
  package var time: Timestamp
  /// The month it is charged to, `2026-11`, fixed at admission.
  package var chargePeriod: String
  /// For a correction: the id of the event it corrects, and the number of the correction. The amount and the
  /// quantities are then signed differences.
  package var corrects: String?
  package var correction: Int?

  package init(
    jobID: String, run: String, attempt: Int, seriesID: String?, userID: String, tier: String, taskType: TaskType,
    provider: String, model: String, modelVersion: String?, outcome: AttemptOutcome, usage: [Usage], cost: Cost,
    time: Timestamp, chargePeriod: String, corrects: String? = nil, correction: Int? = nil
  ) {
    self.jobID = jobID
    self.run = run
    self.attempt = attempt
    self.seriesID = seriesID
    self.userID = userID
    self.tier = tier
    self.taskType = taskType
    self.provider = provider
    self.model = model
    self.modelVersion = modelVersion
    self.outcome = outcome
    self.usage = usage
    self.cost = cost
    self.time = time
    self.chargePeriod = chargePeriod
    self.corrects = corrects
    self.correction = correction
  }

  package static let contentType = "application/cloudevents+json"
  package static let type = "dev.tollway.cost.recorded.v1"

  /// `<job>/<run>/<attempt>`, with `/c<n>` behind it for a correction.
  package var id: String {
    let attempt = "\(jobID)/\(run)/\(attempt)"
    return correction.map { "\(attempt)/c\($0)" } ?? attempt
  }

  /// `<tier>.<task>.<provider>` in lower case.
  package var routingKey: String { "\(tier.lowercased()).\(taskType.rawValue).\(provider.lowercased())" }

  /// CloudEvents 1.0, structured mode.
  package func encoded() -> [UInt8] {
    var json = JSONWriter(capacity: 768)
    json.literal(#"{"specversion":"1.0","id":"#)
    json.string(id)
    json.literal(#","source":"/tollway/worker","type":"dev.tollway.cost.recorded.v1","subject":"#)
    json.string(userID)
    json.literal(#","time":"#)
    json.string(time)
    json.literal(#","datacontenttype":"application/json","data":{"jobId":"#)
    json.string(jobID)
    json.literal(#","run":"#)
    json.string(run)
    json.literal(#","attempt":"#)
    json.integer(Int64(attempt))
    json.literal(#","seriesId":"#)
    json.string(seriesID)
    json.literal(#","userId":"#)
    json.string(userID)
    json.literal(#","tier":"#)
    json.string(tier)
    json.literal(#","taskType":"#)
    json.string(taskType.rawValue)
    json.literal(#","provider":"#)
    json.string(provider)
    json.literal(#","model":"#)
    json.string(model)
    json.literal(#","modelVersion":"#)
    json.string(modelVersion)
    json.literal(#","outcome":"#)
    json.string(outcome.rawValue)
    json.literal(#","usage":"#)
    json.usage(usage, withSource: true)
    json.literal(#","cost":{"amount":"#)
    json.string(cost.amount.description)
    json.literal(#","currency":"USD","basis":"#)
    json.string(cost.basis.rawValue)
    json.literal(#","priceId":"#)
    json.string(cost.priceID)
    json.literal(#"},"chargePeriod":"#)
    json.string(chargePeriod)
    json.literal(#","corrects":"#)
    json.string(corrects)
    json.literal("}}")
    return json.bytes
  }
}

extension JSONWriter {
  /// `[{"unit": ..., "quantity": "...", "source": ...}]`; results leave the source out.
  mutating func usage(_ usage: [Usage], withSource: Bool) {
    literal("[")
    for (index, entry) in usage.enumerated() {
      if index > 0 { literal(",") }
      literal(#"{"unit":"#)
      string(entry.unit.rawValue)
      literal(#","quantity":"#)
      string(entry.quantity)
      if withSource {
        literal(#","source":"#)
        string(entry.source.rawValue)
      }
      literal("}")
    }
    literal("]")
  }
}
