/// What an admin gave a user: a tier that overrides what messages claim, and limits that override the tier's. A row of
/// the ledger database; Redis holds a copy in this form.
package struct Entitlement: Sendable, Hashable {
  /// Code or alias; nil leaves the tier to message and default.
  package var tier: String?
  /// Jobs of the user that may run at once.
  package var concurrency: Int?
  /// Most money a month.
  package var monthlyCap: Money?

  package init(tier: String? = nil, concurrency: Int? = nil, monthlyCap: Money? = nil) {
    self.tier = tier
    self.concurrency = concurrency
    self.monthlyCap = monthlyCap
  }

  package func encoded() -> [UInt8] {
    var json = JSONWriter(capacity: 96)
    json.literal("{")
    json.member("tier", tier)
    json.key("concurrency")
    if let concurrency { json.integer(Int64(concurrency)) } else { json.literal("null") }
    json.member("monthlyUsd", monthlyCap?.description)
    json.literal("}")
    return json.bytes
  }

  package init(decoding bytes: [UInt8]) throws(JSONFault) {
    let root = try JSONParser.parse(bytes).root
    self.init(
      tier: root["tier"]?.string, concurrency: root["concurrency"]?.integer.flatMap { $0 > 0 ? $0 : nil },
      monthlyCap: root["monthlyUsd"]?.string.flatMap { Money($0) })
  }
}
