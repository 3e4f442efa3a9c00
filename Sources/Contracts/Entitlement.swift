/// What an admin gave a user: a tier that overrides what messages claim, and limits that override the tier's. A row of
/// the ledger database; Redis holds a copy in this form. A member that is absent follows the tier, one that is unknown
/// or out of range counts as absent, so that workers of an older or newer release can read it.
package struct Entitlement: Sendable, Hashable {
  /// Code or alias; nil leaves the tier to message and default.
  package var tier: String?
  /// Jobs of the user that may run at once.
  package var concurrency: Int?
  /// The cost cap of a month.
  package var monthlyCap: Money?
  /// Whether the cap blocks or only alerts.
  package var hardStop: Bool?
  package var quotas: MonthlyQuotas
  package var rate: RateLimit

  package init(
    tier: String? = nil, concurrency: Int? = nil, monthlyCap: Money? = nil, hardStop: Bool? = nil,
    quotas: MonthlyQuotas = MonthlyQuotas(), rate: RateLimit = RateLimit()
  ) {
    self.tier = tier
    self.concurrency = concurrency
    self.monthlyCap = monthlyCap
    self.hardStop = hardStop
    self.quotas = quotas
    self.rate = rate
  }
}

extension Entitlement {
  package func encoded() -> [UInt8] {
    var json = JSONWriter(capacity: 192)
    json.literal("{")
    if let tier { json.member("tier", tier) }
    json.limit("concurrency", concurrency)
    if let monthlyCap { json.member("monthlyUsd", monthlyCap.description) }
    if let hardStop {
      json.key("hardStop")
      if hardStop { json.literal("true") } else { json.literal("false") }
    }
    if quotas != MonthlyQuotas() {
      json.key("quotas")
      json.literal("{")
      json.limit("tokens", quotas.tokens)
      json.limit("audio_seconds", quotas.audioSeconds)
      json.limit("video_minutes", quotas.videoMinutes)
      json.limit("jobs", quotas.jobs)
      json.literal("}")
    }
    if rate != RateLimit() {
      json.key("rateLimit")
      json.literal("{")
      json.limit("rpm", rate.perMinute)
      json.limit("rps", rate.perSecond)
      json.limit("burst", rate.burst)
      json.literal("}")
    }
    json.literal("}")
    return json.bytes
  }

  package init(decoding bytes: [UInt8]) throws(JSONFault) {
    let root = try JSONParser.parse(bytes).root
    let quotas = root["quotas"]
    let rate = root["rateLimit"]
    self.init(
      tier: root["tier"]?.string, concurrency: root["concurrency"].limit(atLeast: 1),
      monthlyCap: root["monthlyUsd"]?.string.flatMap { Money($0) }.flatMap { $0 >= .zero ? $0 : nil },
      hardStop: root["hardStop"]?.bool,
      quotas: MonthlyQuotas(
        tokens: quotas?["tokens"].limit(atLeast: 0), audioSeconds: quotas?["audio_seconds"].limit(atLeast: 0),
        videoMinutes: quotas?["video_minutes"].limit(atLeast: 0), jobs: quotas?["jobs"].limit(atLeast: 0)),
      rate: RateLimit(
        perMinute: rate?["rpm"].limit(atLeast: 1), perSecond: rate?["rps"].limit(atLeast: 1),
        burst: rate?["burst"].limit(atLeast: 1)))
  }
}

extension JSONWriter {
  fileprivate mutating func limit(_ name: StaticString, _ value: Int?) {
    if let value { member(name, Int64(value)) }
  }
}

extension JSONValue? {
  fileprivate func limit(atLeast minimum: Int) -> Int? {
    self?.integer.flatMap { $0 >= minimum ? $0 : nil }
  }
}
