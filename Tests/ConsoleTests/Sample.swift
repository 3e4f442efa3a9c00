@testable import AMQP
@testable import Admission
@testable import Billing
@testable import Catalog
import Console
import Contracts
@testable import Lanes
@testable import Operations

/// A fleet in the middle of a night on which something is the matter, and pages of it.
struct Sample {
  /// In the place of names and texts that strangers choose.
  var evil = ""
  var role = Chrome.Role.admin
  let now = Timestamp(milliseconds: 1_763_781_164_000)

  var user: String { "u_8841\(evil)" }
  var policy: Policy { get throws { try PolicyFile.read(text: Defaults.policy).0 } }

  func ago(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: now.milliseconds - seconds * 1000) }
  func later(_ seconds: Int64) -> Timestamp { ago(-seconds) }

  var chrome: Chrome {
    Chrome(
      fleet: "prod-eu\(evil)", actor: "key ana\(evil)", role: role, token: "t0ken", time: now.description,
      interventions: 2)
  }

  var board: ProviderBoard {
    get throws {
      let name = "voxcorp\(evil)"
      let states = [
        BreakerState(scope: "openai", reason: .hand, since: ago(4000), retryAt: BreakerState.never),
        BreakerState(scope: name, reason: .failures, since: ago(660), retryAt: later(22)),
        BreakerState(scope: "elevenlabs/eleven_v3", reason: .gone, since: ago(300), retryAt: later(200)),
      ]
      return try ProviderBoard(
        policy: policy, breakers: Dictionary(uniqueKeysWithValues: states.map { ($0.scope, $0) }),
        holds: [ProviderHold(provider: "openai", since: ago(4000), by: "ana\(evil)", reason: "odd voices\(evil)")],
        now: now)
    }
  }

  var fleet: FleetSample {
    get throws {
      var sample = FleetSample(time: now)
      sample.number = 42
      sample.redis.age = .milliseconds(800)
      sample.broker.age = .milliseconds(700)
      sample.ledger.age = .seconds(4)
      sample.workers = 6
      sample.slots = 48
      sample.finishedPerMinute = 2478
      let figures: [(Lane, Int, Int, Double, [WaitReason: Int], Int64)] = [
        (.critical, 9, 22, 412, [.concurrency: 12, .rate: 4, .providerResting: 96], 161),
        (.high, 14, 1, 880, [:], 1),
        (.standard, 21, 214, 1204, [.concurrency: 318, .quotaReserved: 40], 48),
        (.low, 4, 0, 7.4, [.moneyReserved: 9812, .parents: 3], 0),
      ]
      sample.lanes = figures.map { lane, running, runnable, pace, waiting, oldest in
        var row = LaneSample(lane)
        row.ready = runnable
        row.consumers = 6
        row.running = running
        row.runnable = runnable
        row.takenPerMinute = pace
        row.finishedPerMinute = pace * 0.97
        row.waiting = waiting
        row.oldestRunnable = .seconds(oldest)
        row.promise = [.critical: .seconds(5), .high: .seconds(30), .standard: .seconds(120)][lane]
        return row
      }
      sample.providers = try board.rows.map {
        ProviderSample($0, p50: .milliseconds(820), p95: .milliseconds(2100), callsPerMinute: 41)
      }
      sample.users = (0..<20).map { index in
        WaitingUser(
          user: index == 0 ? user : "u_\(1000 + index)\(evil)", lane: index % 3 == 0 ? .standard : .low,
          tier: index % 2 == 0 ? "PRO" : nil, running: 5, limit: 5, waiting: 120 - index * 5, reason: .concurrency,
          firstStart: later(12), lastStart: later(240))
      }
      sample.dead = 418
      sample.blocked = 12
      sample.deadGrowth = 3
      sample.freeze = FreezeSample(isOn: true, since: ago(900), by: "bo\(evil)", reason: "look at it")
      sample.conditions = [
        Condition(.init(.breakerOpen, .provider("voxcorp\(evil)")), since: ago(660)),
        Condition(.init(.laneWait, .lane(.critical)), since: ago(120)),
      ]
      sample.money = money
      return sample
    }
  }

  var verdict: Verdict {
    Verdict(
      .slow, "Lane critical is slow: provider voxcorp\(evil) rests since 11 min", whose: .ours,
      because: ["86 % of what waits there for us needs voxcorp."],
      excluded: ["the limits of users", "the workers (48 of 48 busy)", "Redis", "the broker"],
      next: "It is tried again in 22 s; the backlog is through about 9 min after it serves.",
      act: "tollway providers hold voxcorp --reason \"…\"")
  }

  var trend: FleetTrend {
    var points: [Lane: [FleetTrend.Point?]] = [:]
    for lane in Lane.allCases {
      points[lane] = (0..<60).map { step in
        step == 20 ? nil : .init(running: 9 + step * 7 % 12, runnable: step > 40 ? (step - 40) * 2 : 1, waiting: 90)
      }
    }
    return FleetTrend(points: points)
  }

  var money: MoneySample {
    let days = (0..<14).map { index in
      let tiers = ["FREE", "PLUS\(evil)", "PRO"].enumerated().map { place, tier in
        let amount = Money(nanoUSD: Int64(1_130_000_000 + 700_000_001 * place * (index % 5 + 1)))
        return (tier, MoneySample.Sum(amount: amount, failed: Money(nanoUSD: 10_000_000), jobs: 120 + index))
      }
      return MoneySample.Day(
        day: String(ago(Int64(13 - index) * 86_400).description.prefix(10)),
        tiers: Dictionary(uniqueKeysWithValues: tiers))
    }
    return MoneySample(
      asOf: ago(4), month: "2025-11",
      monthByTier: ["FREE": Money(nanoUSD: 20_410_000_000), "PRO": Money(nanoUSD: 118_780_000_000)],
      monthTotal: Money(nanoUSD: 139_190_000_000), days: days,
      budgets: [
        .init(scope: "fleet", limit: Money(nanoUSD: 300_000_000_000), used: Money(nanoUSD: 139_190_000_000)),
        .init(
          scope: "provider:openai\(evil)", limit: Money(nanoUSD: 50_000_000_000), used: Money(nanoUSD: 47_100_000_000)),
      ], eventsWaiting: 17, lastBooked: ago(6), usersNearLimit: 14)
  }

  var changes: [ChangeRow] {
    var cancel = entry(.jobCancel, "7F3K-A1\(evil)", "wrong text\(evil)", 30)
    cancel.surface = "console"
    var replay = entry(.deadReplay, "reason=provider_failed", "voxcorp is back", 400)
    replay.surface = "cli"
    replay.outcome = .init(done: 97, kept: 3)
    var assign = entry(.userAssign, user, "asked for more", 700)
    assign.after = .init(
      tier: "PRO", overrides: UserOverrides(concurrency: 8, monthlyUsd: Money(nanoUSD: 20_500_000_000)))
    return [
      cancel, replay, assign, entry(.freezeOn, "", "look at it", 900), entry(.providerHold, "openai", "odd", 4000),
      entry(.keyRevoke, "k_12", "lost", 9000),
    ].map { ChangeRow($0) }
  }

  private func entry(_ act: AuditEntry.Act, _ target: String, _ reason: String, _ seconds: Int64) -> AuditEntry {
    AuditEntry(at: ago(seconds), by: "ana\(evil)", act: act.rawValue, target: target, reason: reason)
  }
}
