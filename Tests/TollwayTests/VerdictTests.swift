import Admission
import Billing
import Catalog
import Contracts
import Operations
import Testing

/// One sample for each cause, and what is said of it.
struct VerdictTests {
  private static let now = Timestamp(milliseconds: 1_795_323_164_000)  // 2026-11-22T04:52:44Z

  /// Two workers with eight slots each, of which some run.
  private func sample(running: Int = 3, _ change: (inout FleetSample) -> Void = { _ in }) -> FleetSample {
    var sample = FleetSample(time: Self.now)
    sample.redis.age = .milliseconds(200)
    sample.broker.age = .milliseconds(400)
    sample.ledger.age = .seconds(4)
    sample.workers = 2
    sample.slots = 16
    sample.finishedPerMinute = 60
    sample.lastEnd = .seconds(4)
    sample.dead = 0
    sample.blocked = 0
    sample.conditions = []
    sample.freeze.isOn = false
    for index in sample.lanes.indices {
      sample.lanes[index].ready = 0
      sample.lanes[index].consumers = 2
      sample.lanes[index].takenPerMinute = 15
      sample.lanes[index].finishedPerMinute = 15
    }
    edit(&sample, .standard) { $0.running = running }
    sample.providers = [ProviderSample(provider("echo"))]
    change(&sample)
    return sample
  }

  private func edit(_ sample: inout FleetSample, _ lane: Lane, _ change: (inout LaneSample) -> Void) {
    guard let index = sample.lanes.firstIndex(where: { $0.lane == lane }) else { return }
    change(&sample.lanes[index])
  }

  /// One that serves, unless a breaker says otherwise.
  private func provider(_ name: String, _ breaker: BreakerState? = nil, hold: ProviderHold? = nil) -> ProviderBoard.Row
  {
    var policy = Policy(
      defaultTier: "", trustsMessageTier: false, aliases: [:], tiers: [:], providers: [:], models: [],
      plainHTTPHosts: [])
    policy.providers[name] = ProviderDefinition(
      name: name, kind: .echo, baseURL: nil, apiKeyVariable: nil, apiKeyFile: nil, timeout: .seconds(60), command: [],
      isolation: .shared)
    return ProviderBoard(
      policy: policy, breakers: breaker.map { [name: $0] } ?? [:], holds: hold.map { [$0] } ?? [], now: Self.now
    ).rows[0]
  }

  private func ago(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: Self.now.milliseconds - seconds * 1000) }

  @Test func `work that flows needs nobody`() {
    let verdict = Verdict(of: sample())
    #expect(verdict == Verdict(.flowing, "Work flows."))
  }

  @Test func `nothing waits, and when the last job was`() {
    #expect(Verdict(of: sample(running: 0)) == Verdict(.idle, "Nothing waits. Last job 4 s ago."))
    let old = Verdict(of: sample(running: 0) { $0.lastEnd = .milliseconds(185_900) })
    #expect(old.headline == "Nothing waits. Last job 3 min ago.")
    #expect(Verdict(of: sample(running: 0) { $0.lastEnd = nil }) == Verdict(.idle, "Nothing waits."))
  }

  @Test func `nothing ever ran`() {
    let verdict = Verdict(
      of: sample(running: 0) {
        $0.workers = 0
        $0.slots = 0
        $0.lastEnd = nil
      })
    #expect(
      verdict.state == .idle && verdict.whose == .nobody && verdict.headline == "Nothing was ever seen to run here.")
    #expect(verdict.commands.count == 4 && verdict.commands.allSatisfy { $0.hasPrefix("tollway ") })
  }

  @Test func `no worker, and nothing to do`() {
    let verdict = Verdict(
      of: sample(running: 0) {
        $0.workers = 0
        $0.slots = 0
      })
    #expect(verdict.state == .idle && verdict.commands.isEmpty && verdict.act == "tollway worker")
  }

  @Test func `no worker, and jobs wait`() {
    let verdict = Verdict(
      of: sample(running: 0) { sample in
        (sample.workers, sample.slots) = (0, 0)
        edit(&sample, .high) { ($0.ready, $0.runnable) = (12, 12) }
      })
    #expect(verdict.state == .stopped && verdict.whose == .ours && verdict.act == "tollway worker")
    #expect(verdict.headline == "No worker runs, and 12 jobs wait.")
    #expect(!verdict.excluded.contains { $0.hasPrefix("the workers") })
    #expect(verdict.excluded.contains("the broker (it answers)"))
  }

  @Test func `figures that are too old say nothing, and never that all is well`() {
    let verdict = Verdict(of: sample { $0.redis.age = .seconds(12) })
    #expect(verdict.state == .unknown && verdict.excluded.isEmpty)
    #expect(verdict.headline == "What is known of Redis is 12 s old, so whether work flows cannot be said.")
    #expect(Verdict(of: FleetSample(time: Self.now)).state == .unknown)
    let young = Verdict(of: sample { ($0.redis.age, $0.redis.awaySince) = (.seconds(2), ago(1)) })
    #expect(young.state == .flowing)
  }

  @Test func `Redis is away`() {
    let verdict = Verdict(
      of: sample { $0.redis = FleetSample.Source(age: .seconds(9), awaySince: ago(8), why: "connection refused") })
    #expect(verdict.state == .unknown && verdict.act == "tollway doctor" && verdict.because == ["connection refused"])
    #expect(verdict.headline.hasPrefix("Redis has not answered since 04:52:36Z"))
  }

  @Test func `the broker is away, and work may go on without us`() {
    let away = FleetSample.Source(age: .seconds(40), awaySince: ago(38))
    let silent = Verdict(
      of: sample {
        $0.broker = away
        $0.lastEnd = .seconds(41)
      })
    #expect(silent.state == .stopped && silent.whose == .ours)
    #expect(silent.headline == "The broker has not answered since 04:52:06Z: nothing new can start.")
    let onlyHere = Verdict(of: sample { $0.broker = away })
    #expect(onlyHere.state == .unknown && onlyHere.headline.contains("yet runs end"))
  }

  @Test func `the broker answers and takes nothing`() {
    let verdict = Verdict(
      of: sample { $0.conditions = [Condition(Condition.Key(.broker, .fleet), since: ago(30))] })
    #expect(verdict.state == .stopped && verdict.act == "tollway doctor")
    #expect(!verdict.excluded.contains { $0.hasPrefix("the broker") })
  }

  @Test func `Redis lost its memory`() {
    let verdict = Verdict(
      of: sample {
        $0.hold = .seconds(21)
        $0.notices = ["Redis lost its memory: nothing starts for 21 s; it ends by itself"]
      })
    #expect(verdict.headline == "Redis lost its memory: nothing starts for 21 s." && verdict.act == nil)
    #expect(verdict.state == .stopped && verdict.whose == .ours && verdict.next == "It ends by itself in 21 s.")
    #expect(verdict.because.count == 1)
  }

  @Test func `what was spent is not known yet`() {
    let verdict = Verdict(of: sample { edit(&$0, .low) { $0.waiting = [.catchingUp: 40, .concurrency: 2] } })
    #expect(verdict.state == .slow && verdict.whose == .ours && verdict.act == "tollway billing")
  }

  @Test func `most of what waits needs a provider that rests`() {
    let rest = BreakerState(
      scope: "voxcorp", reason: .failures, since: ago(660),
      retryAt: Timestamp(milliseconds: Self.now.milliseconds + 22_000))
    let verdict = Verdict(
      of: sample {
        $0.providers = [ProviderSample(provider("echo")), ProviderSample(provider("voxcorp", rest))]
        edit(&$0, .high) { $0.waiting = [.providerResting: 96, .concurrency: 16] }
      })
    #expect(verdict.state == .slow && verdict.whose == .ours && verdict.act == "tollway providers")
    #expect(verdict.headline == "96 of 112 jobs that wait need voxcorp, which rests.")
    #expect(verdict.because == ["Provider voxcorp has rested for 11 min: its calls failed."])
    #expect(verdict.next?.hasPrefix("The next call is tried in 22 s.") == true)
    #expect(verdict.excluded.contains("the workers (3 of 16 slots busy)"))
    #expect(!verdict.excluded.contains { $0.hasPrefix("the providers") || $0.hasPrefix("limits") })
  }

  @Test func `a provider that somebody holds is released by a command`() {
    let hand = BreakerState(scope: "voxcorp", reason: .hand, since: ago(60), retryAt: BreakerState.never)
    let hold = ProviderHold(provider: "voxcorp", since: ago(60), by: "ana", reason: "an invoice")
    let verdict = Verdict(
      of: sample(running: 0) {
        $0.providers = [ProviderSample(provider("voxcorp", hand, hold: hold))]
        edit(&$0, .high) { $0.waiting = [.providerResting: 5] }
      })
    #expect(verdict.state == .stopped && verdict.act == "tollway providers release voxcorp")
    #expect(verdict.headline == "5 of 5 jobs that wait need voxcorp, which is held.")
    #expect(verdict.because == ["Provider voxcorp has been held by ana for 1 min."])
  }

  @Test func `a provider that rests while little waits for it is a remark`() {
    let rest = BreakerState(scope: "voxcorp", reason: .funds, since: ago(60), retryAt: ago(-60))
    let verdict = Verdict(of: sample { $0.providers = [ProviderSample(provider("voxcorp", rest))] })
    #expect(verdict.state == .flowing && verdict.whose == .ours && verdict.act == "tollway providers")
    #expect(verdict.headline == "Work flows, but provider voxcorp has rested for 1 min: no money is left there.")
  }

  @Test func `where several providers are out nobody is told to undo a hold that may not matter`() {
    let hand = BreakerState(scope: "espeak", reason: .hand, since: ago(60), retryAt: BreakerState.never)
    let hold = ProviderHold(provider: "espeak", since: ago(60), by: "ana", reason: "odd voices")
    let rest = BreakerState(scope: "echo", reason: .failures, since: ago(30), retryAt: ago(-4))
    let verdict = Verdict(
      of: sample {
        $0.providers = [
          ProviderSample(provider("echo", rest)), ProviderSample(provider("espeak", hand, hold: hold)),
        ]
        edit(&$0, .standard) { $0.waiting = [.providerResting: 24] }
      })
    #expect(verdict.headline == "24 of 24 jobs that wait need providers that do not serve.")
    #expect(verdict.act == "tollway providers")
    #expect(verdict.because.last == "Which of them a job needs, tollway explain JOB says.")
    let both = Verdict(
      of: sample {
        $0.providers = [
          ProviderSample(
            provider("echo", BreakerState(scope: "echo", reason: .hand, since: ago(9), retryAt: BreakerState.never))),
          ProviderSample(provider("espeak", hand, hold: hold)),
        ]
        edit(&$0, .standard) { $0.waiting = [.providerResting: 1] }
      })
    #expect(both.headline == "1 of 1 job that waits needs a provider that does not serve.")
    #expect(both.act == "tollway providers")
  }

  @Test func `jobs that wait for a held provider are ours although they are few`() {
    let hand = BreakerState(scope: "espeak", reason: .hand, since: ago(60), retryAt: BreakerState.never)
    let verdict = Verdict(
      of: sample {
        $0.providers = [ProviderSample(provider("echo")), ProviderSample(provider("espeak", hand))]
        edit(&$0, .standard) { $0.waiting = [.providerResting: 2, .concurrency: 7] }
      })
    #expect(verdict.state == .flowing && verdict.whose == .ours && verdict.act == "tollway providers")
    #expect(
      verdict.headline
        == "Work flows; 2 jobs wait for a provider that does not serve, 7 wait as users' own limits and wishes say.")
    #expect(verdict.because.first == "Theirs: 7 at their concurrency.")
  }

  @Test func `slots that are full are always said, and slow only when promises are not kept`() {
    func full(waited: Duration) -> FleetSample {
      sample(running: 16) {
        edit(&$0, .high) { ($0.runnable, $0.oldestRunnable, $0.promise) = (120, waited, .seconds(5)) }
      }
    }
    let kept = Verdict(of: full(waited: .seconds(3)))
    #expect(kept.state == .flowing && kept.whose == .ours && kept.act == nil)
    #expect(kept.headline == "Work flows; all 16 slots are busy, and 120 jobs wait for one.")
    #expect(kept.next == "At this pace all of it is through in about 2 min.")
    let broken = Verdict(of: full(waited: .seconds(161)))
    #expect(broken.state == .slow && broken.whose == .ours && broken.act == "tollway worker")
    #expect(
      broken.headline
        == "The oldest job of lane high has waited 2 min 41 s for a slot, and was promised 5 s: all 16 slots are busy.")
    #expect(!broken.excluded.contains { $0.hasPrefix("the workers") })
  }

  @Test func `full slots are said beside what users' limits hold, and count as ours`() {
    let verdict = Verdict(
      of: sample(running: 16) { sample in
        edit(&sample, .low) { ($0.runnable, $0.oldestRunnable) = (22, .seconds(9)) }
        edit(&sample, .standard) { $0.waiting = [.concurrency: 12] }
        sample.users = [
          WaitingUser(user: "ana", lane: .standard, running: 2, limit: 2, waiting: 12, lastStart: ago(-9))
        ]
      })
    #expect(verdict.state == .flowing && verdict.whose == .ours)
    #expect(
      verdict.headline
        == "Work flows; all 16 slots are busy, and 22 jobs wait for one, 12 wait as users' own limits and wishes say.")
    #expect(verdict.next == "At this pace all of it is through in about 34 s.")
  }

  @Test func `full slots are said beside another fault`() {
    let verdict = Verdict(
      of: sample(running: 16) { sample in
        edit(&sample, .low) { ($0.runnable, $0.waiting) = (5, [.catchingUp: 25]) }
      })
    #expect(verdict.state == .slow && verdict.headline.hasPrefix("25 jobs wait until it is known again"))
    #expect(
      verdict.because.contains(
        "All 16 slots are busy, and 5 jobs wait for one. At this pace all of it is through in about 30 s."))
  }

  @Test func `a backlog without a promise is slow after a minute`() {
    func waiting(_ seconds: Int64) -> Verdict {
      Verdict(
        of: sample(running: 16) { edit(&$0, .low) { ($0.runnable, $0.oldestRunnable) = (22, .seconds(seconds)) } })
    }
    #expect(waiting(60).state == .flowing)
    let late = waiting(75)
    #expect(late.state == .slow && late.whose == .ours && late.act == "tollway worker")
    #expect(
      late.headline == "The oldest job of lane low has waited 1 min 15 s for a slot: all 16 slots are busy.")
    #expect(late.because == ["22 jobs could start if there were slots."])
  }

  @Test func `the end of the longest lines is said only where all of it is known`() {
    let verdict = Verdict(
      of: sample { sample in
        edit(&sample, .standard) { $0.waiting = [.concurrency: 12] }
        sample.users = [
          WaitingUser(user: "ana", lane: .standard, running: 2, limit: 2, waiting: 12),
          WaitingUser(user: "ben", lane: .standard, running: 2, limit: 2, waiting: 2, lastStart: ago(-3)),
        ]
      })
    #expect(verdict.next == "At this pace all of it is through in about 12 s.")
  }

  @Test func `a lane that is late although slots are free`() {
    let verdict = Verdict(
      of: sample {
        edit(&$0, .high) { lane in
          (lane.ready, lane.runnable, lane.consumers) = (4, 4, 0)
          (lane.oldestRunnable, lane.promise) = (.seconds(30), .seconds(5))
        }
      })
    #expect(verdict.state == .slow && verdict.act == "tollway doctor")
    #expect(verdict.headline.hasSuffix("though 13 of 16 slots are free."))
    #expect(verdict.because == ["No worker consumes from lane high."])
  }

  @Test func `workers that have just gone`() {
    let verdict = Verdict(
      of: sample { sample in
        for lane in Lane.allCases { edit(&sample, lane) { $0.consumers = 0 } }
        edit(&sample, .low) { ($0.ready, $0.runnable) = (3, 3) }
      })
    #expect(verdict.state == .stopped && verdict.whose == .ours && verdict.act == "tollway doctor")
    #expect(verdict.headline == "No worker takes from any lane, and 3 jobs wait.")
  }

  @Test func `workers that take nothing`() {
    let verdict = Verdict(
      of: sample(running: 0) { sample in
        sample.finishedPerMinute = 0
        for lane in Lane.allCases { edit(&sample, lane) { $0.takenPerMinute = 0 } }
        edit(&sample, .low) { ($0.ready, $0.runnable) = (1, 1) }
      })
    #expect(verdict.state == .stopped && verdict.headline == "1 job could start, and no worker takes it.")
  }

  @Test func `users at their limits are the product at work`() {
    let verdict = Verdict(
      of: sample { sample in
        edit(&sample, .standard) { $0.waiting = [.concurrency: 300, .rate: 18] }
        sample.users = [
          WaitingUser(
            user: "ana", lane: .standard, running: 5, limit: 5, waiting: 120, lastStart: ago(-240))
        ]
      })
    #expect(verdict.state == .flowing && verdict.whose == .theirs && verdict.act == nil)
    #expect(verdict.headline == "Work flows; 318 jobs wait as users' own limits and wishes say.")
    #expect(verdict.because == ["By reason: 300 at their concurrency, 18 at their rate."])
    #expect(verdict.next == "The last of the longest lines starts in 4 min.")
    #expect(!"\(verdict)".contains("ana"))
  }

  @Test func `jobs that a cap stopped are told of`() {
    let verdict = Verdict(of: sample { $0.blocked = 9 })
    #expect(verdict.state == .flowing && verdict.whose == .nobody)
    #expect(verdict.because == ["9 jobs were stopped by a cap or a quota of their users."])
  }

  @Test func `a freeze is told of and is no fault`() {
    let verdict = Verdict(of: sample { $0.freeze = FreezeSample(isOn: true, since: ago(3600), by: "ben", reason: "") })
    #expect(verdict.state == .flowing && verdict.whose == .nobody && verdict.act == nil)
    #expect(verdict.because == ["Versions of models are frozen since 03:52:44Z by ben."])
  }

  @Test func `a ledger that falls behind is ours although work flows`() {
    let stuck = Verdict(of: sample { $0.unbooked = .seconds(90) })
    #expect(stuck.state == .flowing && stuck.whose == .ours && stuck.act == "tollway billing")
    #expect(stuck.headline == "Work flows, but cost events have waited 1 min 30 s without being booked.")
    #expect(Verdict(of: sample { $0.unbooked = .seconds(20) }).whose == .nobody)
    let late = Verdict(
      of: sample { $0.conditions = [Condition(Condition.Key(.ledgerLag, .fleet), since: ago(5))] })
    #expect(late.headline == "Work flows, but the ledger is behind: costs are booked late.")
    let away = Verdict(of: sample { $0.ledger = FleetSample.Source(age: .seconds(70), awaySince: ago(60)) })
    #expect(away.headline == "Work flows, but the ledger has not answered since 04:51:44Z.")
  }

  @Test func `jobs that die are ours although work flows`() {
    let verdict = Verdict(of: sample { $0.deadGrowth = 42 })
    #expect(verdict.headline == "Work flows, but 42 jobs died within the last five minutes.")
    #expect(verdict.whose == .ours && verdict.act == "tollway dead list")
    #expect(Verdict(of: sample { $0.deadGrowth = 10 }).whose == .nobody)
  }

  @Test func `the gravest fault is in the headline, the others stand behind it`() {
    let verdict = Verdict(
      of: sample {
        $0.deadGrowth = 42
        $0.unbooked = .seconds(90)
        $0.blocked = 1
      })
    #expect(verdict.headline.contains("cost events") && verdict.act == "tollway billing")
    #expect(
      verdict.because == [
        "42 jobs died within the last five minutes.", "1 job was stopped by a cap or a quota of its user.",
      ])
  }

  @Test func `a backlog that grows is not through at any time`() {
    let full = sample(running: 16) { edit(&$0, .high) { ($0.runnable, $0.promise) = (120, .seconds(5)) } }
    var trend = FleetTrend()
    for runnable in [20, 50, 80, 100] {
      trend.add(sample(running: 16) { edit(&$0, .high) { $0.runnable = runnable } })
    }
    #expect(Verdict(of: full, trend: trend).next == "At this pace the backlog does not get shorter.")
    let stuck = sample(running: 16) {
      $0.finishedPerMinute = 0
      edit(&$0, .high) { $0.runnable = 1 }
    }
    #expect(Verdict(of: stuck).next == "When all of it is through is not known: no run has ended for a minute.")
  }
}
