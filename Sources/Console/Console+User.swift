import Billing
import Contracts
package import Operations

extension Console {
  /// What a user may, has used and holds.
  /// - Parameters:
  ///   - card: what the ledger says; nil while it cannot be read.
  ///   - ledgerRefusal: why, one sentence.
  ///   - tiers: the codes of the policy, for the form.
  package static func user(
    _ usage: UserUsage, card: UserCard?, ledgerRefusal: String? = nil, tiers: [String], refusal: String? = nil,
    _ chrome: Chrome
  ) -> String {
    let waiting = usage.waiting.filter { $0.value > 0 }.sorted { $0.key < $1.key }
    let assigned = card?.assigned
    let body = fields([
      "refusal": refusal, "user": usage.user, "sentence": sentence(usage, waiting.reduce(0) { $0 + $1.value }),
      "ledgerRefusal": card == nil ? ledgerRefusal ?? "The ledger cannot be read." : nil,
      "bars": usage.limits.compactMap { UserBar($0, usage)?.row }, "running": Figure.count(usage.running),
      "waiting": waiting.map { lane, count in
        ["count": Figure.count(count), "lane": lane, "href": link("lanes", lane)]
      },
      "hasWaiting": !waiting.isEmpty, "period": usage.period, "used": words(usage.used), "held": words(usage.reserved),
      "ledger": card.map { "\(Figure.usd($0.costUsd)) in \(Figure.count($0.jobs, "job"))" },
      "deadHref": "\(link("dead"))?user=\(encoded(usage.user))",
      "blockedHref": "\(link("blocked"))?user=\(encoded(usage.user))",
      "mayAct": chrome.mayAct && card != nil, "self": link("users", usage.user),
      "unset": link("users", usage.user, "unset"),
      "tiers": tiers.map { ["code": $0, "isHere": $0 == assigned?.tier] as Fields },
      "ownConcurrency": assigned?.overrides.concurrency.map { "\($0)" } ?? "",
      "ownUsd": assigned?.overrides.monthlyUsd.map { plain($0) } ?? "", "isAssigned": assigned != nil,
      "shown": assigned?.changedAt ?? "",
      "changes": (card?.changes ?? []).prefix(10).map { change in
        fields(["at": Clock.shown(change.at), "actor": change.by, "reason": change.reason])
      },
      "hasChanges": card?.changes.isEmpty == false,
    ])
    return Pages.page("user", "User \(usage.user)", at: "jobs", chrome, body)
  }

  private static func sentence(_ usage: UserUsage, _ waiting: Int) -> String {
    let tier = usage.mayClaimTier ? "tier \(usage.tier), unless a message says another" : "tier \(usage.tier)"
    let standing =
      waiting > 0
      ? "\(Figure.count(usage.running)) run and \(Figure.count(waiting)) wait"
      : usage.running > 0 ? "\(Figure.count(usage.running)) run, nothing waits" : "nothing runs and nothing waits"
    return "In lane \(usage.lane), \(tier): \(standing)."
  }

  private static func words(_ figures: MonthStanding.Figures) -> String {
    var parts = [Figure.usd(figures.usd)]
    if figures.jobs > 0 { parts.append(Figure.count(Int(figures.jobs), "job")) }
    if figures.tokens > 0 { parts.append(Figure.count(Int(figures.tokens), "token")) }
    if figures.audioSeconds != "0" { parts.append("\(figures.audioSeconds) s of audio") }
    if figures.videoSeconds != "0" { parts.append("\(figures.videoSeconds) s of video") }
    return parts.joined(separator: ", ")
  }

  /// `12.5`, for a field of a form.
  private static func plain(_ money: Money) -> String {
    var text = Substring(money.description)
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return String(text)
  }
}
