import Catalog
import Contracts
import Testing

@Suite struct PolicyWatchingTests {
  /// The small policy with more at its root.
  private func text(_ more: String) -> String { policyText() + "\n" + more }

  @Test func `without a word nothing is promised, nothing is budgeted and the log is told`() throws {
    let policy = try PolicyFile.read(text: policyText()).0
    #expect(policy.budgets == Budgets())
    #expect(policy.tiers["PRO"]?.serviceLevel == nil)
    #expect(policy.waitTarget(of: .standard) == nil)
    let notify = policy.notify
    #expect(notify == NotifyAdmin(log: true, webhookEnvironment: nil))
    #expect((notify.ledgerLag, notify.deadLetters) == (.seconds(30), 10))
    #expect(notify.providerLatency == nil)
  }

  @Test func `everything written arrives`() throws {
    let (policy, notices) = try PolicyFile.read(
      text: text(
        """
        budgets:
          fleet: {monthlyUsd: 5000}
          tiers: {PRO: {monthlyUsd: "1000.5"}}
          providers: {vllm: {monthlyUsd: 0}}
        notify_admin: {log: false, webhook_env: HOOK, ledger_lag: 5s, dead_letters: 0, provider_latency: 1500ms}
        """
      ).replacing("priority: standard", with: "priority: standard\n    service_level: {waitP95: 2m}"))
    #expect(notices == [])
    #expect(
      try policy.budgets
        == Budgets(fleet: dollars("5000"), tiers: ["PRO": dollars("1000.5")], providers: ["vllm": .zero]))
    #expect(
      policy.notify
        == NotifyAdmin(
          log: false, webhookEnvironment: "HOOK", ledgerLag: .seconds(5), deadLetters: 0,
          providerLatency: .milliseconds(1500)))
    #expect(policy.tiers["PRO"]?.serviceLevel == .seconds(120))
    #expect(policy.waitTarget(of: .standard) == .seconds(120))
    #expect(policy.waitTarget(of: .low) == nil)
  }

  @Test(arguments: [
    ("budgets: {fleet: {}}", "budgets.fleet.monthlyUsd: is missing; write the dollars a month"),
    (
      "budgets: {fleet: {monthlyUsd: -1}}",
      "budgets.fleet.monthlyUsd: must be a decimal number of 0 or more, like \"0.15\""
    ),
    (
      "budgets: {fleet: {monthlyUsd: 99999999999}}",
      "budgets.fleet.monthlyUsd: is too large; leave the budget out for none"
    ),
    (
      "budgets: {tiers: {GOLD: {monthlyUsd: 1}}}",
      "budgets.tiers.GOLD: is not defined under tiers; define it there or correct the name"
    ),
    (
      "budgets: {providers: {opneai: {monthlyUsd: 1}}}",
      "budgets.providers.opneai: is not defined under providers; define it there or correct the name"
    ),
    ("budgets: 5000", "budgets: must be a mapping (`name: value`)"),
    (
      "notify_admin: {webhook_env: \"https://hooks.example/secret\"}",
      "notify_admin.webhook_env: must be the name of an environment variable, never the address itself"
    ),
    (
      "notify_admin: {ledger_lag: 5}",
      "notify_admin.ledger_lag: must be a duration from 1ms to 24h, like 30s, 2m or 500ms"
    ),
    (
      "notify_admin: {provider_latency: 25h}",
      "notify_admin.provider_latency: must be a duration from 1ms to 24h, like 30s, 2m or 500ms"
    ),
    ("notify_admin: {dead_letters: -1}", "notify_admin.dead_letters: must be a whole number of 0 or more"),
    ("notify_admin: {log: perhaps}", "notify_admin.log: must be true or false"),
  ])
  func `a mistake is named with its place and its remedy`(_ line: String, _ fault: String) {
    #expect(faults(of: text(line)) == [fault])
  }

  @Test func `a promise needs a duration`() {
    func promise(_ text: String) -> String {
      policyText(replacing: "priority: low", with: "priority: low\n    service_level: \(text)")
    }
    #expect(
      faults(of: promise("{waitP95: soon}"))
        == ["tiers.FREE.service_level.waitP95: must be a duration from 1ms to 24h, like 30s, 2m or 500ms"])
    #expect(
      faults(of: promise("{}")) == ["tiers.FREE.service_level.waitP95: is missing; write a duration like 30s"])
  }

  @Test func `of two promises for one lane the stricter one is watched, and the file is told so`() throws {
    let both = text("").replacing("priority: low", with: "priority: standard\n    service_level: {waitP95: 30s}")
      .replacing(
        "priority: standard\n    batch_size",
        with: "priority: standard\n    service_level: {waitP95: 5s}\n    batch_size")
    #expect(try PolicyFile.read(text: both).0.waitTarget(of: .standard) == .seconds(5))
    #expect(
      try warnings(of: both)
        == ["tiers.FREE.service_level: shares the lane standard with a stricter one, which is what is watched"])
  }

  @Test func `what nobody knows is named`() throws {
    #expect(
      try warnings(of: text("notify_admin: {mail: a}\nbudgets: {users: {}}")) == [
        "notify_admin.mail: is not known and has no effect", "budgets.users: is not known and has no effect",
      ])
  }
}
