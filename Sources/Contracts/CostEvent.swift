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
  /// Of a success that made files: `{"artifact":...}` or `{"artifacts":...}` as in the result, JSON text. Contents never
  /// stand here. By it a job that waits for this one finds the files when nothing else remembers them.
  package var output: [UInt8]?

  package init(
    jobID: String, run: String, attempt: Int, seriesID: String?, userID: String, tier: String, taskType: TaskType,
    provider: String, model: String, modelVersion: String?, outcome: AttemptOutcome, usage: [Usage], cost: Cost,
    time: Timestamp, chargePeriod: String, corrects: String? = nil, correction: Int? = nil,
    output: [UInt8]? = nil
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
    self.output = output
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

  /// What of a result's output may stand in `output`: references to files, as providers write them; nil for anything
  /// else.
  package static func reference(in output: [UInt8]) -> [UInt8]? {
    [#"{"artifact":"#, #"{"artifacts":"#].contains { output.starts(with: $0.utf8) } ? output : nil
  }

  /// CloudEvents 1.0, structured mode.
  package func encoded() -> [UInt8] {
    var json = JSONWriter(capacity: 768)
    json.literal("{")
    json.member("specversion", "1.0")
    json.member("id", id)
    json.member("source", "/tollway/worker")
    json.member("type", Self.type)
    json.member("subject", userID)
    json.member("time", time)
    json.member("datacontenttype", "application/json")
    json.key("data")
    json.literal("{")
    json.member("jobId", jobID)
    json.member("run", run)
    json.member("attempt", Int64(attempt))
    json.member("seriesId", seriesID)
    json.member("userId", userID)
    json.member("tier", tier)
    json.member("taskType", taskType.rawValue)
    json.member("provider", provider)
    json.member("model", model)
    json.member("modelVersion", modelVersion)
    json.member("outcome", outcome.rawValue)
    json.key("usage")
    json.usage(usage, withSource: true)
    json.key("cost")
    json.literal("{")
    json.member("amount", cost.amount.description)
    json.member("currency", "USD")
    json.member("basis", cost.basis.rawValue)
    json.member("priceId", cost.priceID)
    json.literal("}")
    json.member("chargePeriod", chargePeriod)
    json.member("corrects", corrects)
    if let output {
      json.key("output")
      json.raw(output)
    }
    json.literal("}}")
    return json.bytes
  }
}

extension JSONWriter {
  /// `[{"unit": ..., "quantity": "...", "source": ..., "size": ...}]`; the dimensions only where they are known. Results
  /// leave out all behind the quantity.
  package mutating func usage(_ usage: [Usage], withSource: Bool) {
    literal("[")
    for (index, entry) in usage.enumerated() {
      literal(index > 0 ? ",{" : "{")
      member("unit", entry.unit.rawValue)
      member("quantity", entry.quantity.description)
      if withSource {
        member("source", entry.source.rawValue)
        if let size = entry.dimensions?.size { member("size", size) }
        if let quality = entry.dimensions?.quality { member("quality", quality) }
        if let resolution = entry.dimensions?.resolution { member("resolution", resolution) }
      }
      literal("}")
    }
    literal("]")
  }
}
