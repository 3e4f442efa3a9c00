import Contracts
import Testing

@testable import Billing

struct ConditionRulesTests {
  private static let openai = Condition.Subject.provider("openai")

  /// Looks once a second and writes every change down at once.
  private struct Watch {
    var rules = ConditionRules(active: [])
    var second: Int64 = 1_000_000
    var told: [String] = []

    mutating func look(_ reading: FleetReading, seconds: Int = 1, isWritten: Bool = true) {
      for _ in 0..<seconds {
        second += 1
        for change in rules.look(reading, at: Timestamp(milliseconds: second * 1000)) {
          let key = change.condition.key
          switch change {
          case .raise(let condition, _):
            told.append("+\(key.kind.rawValue) \(key.subject)")
            if isWritten { rules.note(raised: condition) }
          case .recover:
            told.append("-\(key.kind.rawValue) \(key.subject)")
            if isWritten { rules.note(recovered: key) }
          }
        }
      }
    }

    mutating func take() -> [String] {
      defer { told = [] }
      return told
    }
  }

  private func rest(_ reason: FleetReading.Rest.Reason, _ seconds: Int = 0) -> FleetReading {
    FleetReading(rests: ["openai": .init(reason, length: .seconds(seconds))])
  }

  private let well = FleetReading(rests: [:], latencies: [:], waits: [:], deadLetters: 0, ledgerLag: nil)

  private func wait(_ seconds: Int) -> FleetReading {
    FleetReading(waits: [.high: .init(limit: .seconds(5), found: .seconds(seconds))])
  }

  private func lag(_ seconds: Int) -> FleetReading {
    FleetReading(ledgerLag: .init(limit: .seconds(30), found: .seconds(seconds)))
  }

  @Test func `what only a person can end is told with the first look`() {
    for (reason, kind) in [
      (FleetReading.Rest.Reason.funds, "provider_funds"), (.account, "provider_account"), (.gone, "provider_gone"),
    ] {
      var watch = Watch()
      watch.look(rest(reason))
      #expect(watch.take() == ["+\(kind) provider:openai"])
      watch.look(rest(reason), seconds: 600)
      #expect(watch.take().isEmpty)
    }
  }

  @Test func `a breaker is told once it has rested for five seconds`() {
    for reason in [FleetReading.Rest.Reason.failures, .rate] {
      var watch = Watch()
      watch.look(rest(reason, 4), seconds: 10)
      #expect(watch.take().isEmpty)
      watch.look(rest(reason, 5))
      #expect(watch.take() == ["+breaker_open provider:openai"])
    }
  }

  @Test func `a breaker is over after ten seconds without a rest, not between two`() {
    var watch = Watch()
    watch.look(rest(.failures, 6))
    for _ in 0..<5 {
      watch.look(well, seconds: 9)
      watch.look(rest(.failures, 0))
    }
    #expect(watch.take() == ["+breaker_open provider:openai"])
    watch.look(well, seconds: 10)
    #expect(watch.take().isEmpty)
    watch.look(well)
    #expect(watch.take() == ["-breaker_open provider:openai"])
  }

  @Test func `another reason is another condition`() {
    var watch = Watch()
    watch.look(rest(.funds))
    watch.look(rest(.failures, 20), seconds: 11)
    #expect(
      watch.take() == [
        "+provider_funds provider:openai", "+breaker_open provider:openai", "-provider_funds provider:openai",
      ])
  }

  @Test func `a provider that somebody took out has not recovered`() {
    var watch = Watch()
    watch.look(rest(.funds))
    watch.look(rest(.hand), seconds: 100)
    #expect(watch.take() == ["+provider_funds provider:openai"])
    watch.look(well, seconds: 11)
    #expect(watch.take() == ["-provider_funds provider:openai"])
  }

  @Test func `what cannot be read is neither so nor well`() {
    var watch = Watch()
    watch.look(rest(.funds))
    watch.look(well, seconds: 9)
    watch.look(FleetReading(), seconds: 100)
    watch.look(well, seconds: 10)
    #expect(watch.take() == ["+provider_funds provider:openai"])
    watch.look(well)
    #expect(watch.take() == ["-provider_funds provider:openai"])
  }

  @Test func `waits over the promise are told at once and are over after thirty good seconds`() {
    var watch = Watch()
    watch.look(wait(5), seconds: 100)
    #expect(watch.take().isEmpty)
    watch.look(wait(6))
    #expect(watch.take() == ["+lane_wait lane:high"])
    watch.look(wait(5), seconds: 29)
    watch.look(wait(6))
    watch.look(wait(4), seconds: 30)
    #expect(watch.take().isEmpty)
    watch.look(wait(4))
    #expect(watch.take() == ["-lane_wait lane:high"])
  }

  @Test func `a promise that is taken back ends the condition`() {
    var watch = Watch()
    watch.look(wait(6))
    watch.look(well, seconds: 31)
    #expect(watch.take() == ["+lane_wait lane:high", "-lane_wait lane:high"])
  }

  @Test func `slow calls are told after a minute of them`() {
    func slow(_ seconds: Int) -> FleetReading {
      FleetReading(latencies: ["openai": .init(limit: .seconds(30), found: .seconds(seconds))])
    }
    var watch = Watch()
    watch.look(slow(40), seconds: 60)
    watch.look(slow(30))
    watch.look(slow(40), seconds: 60)
    #expect(watch.take().isEmpty)
    watch.look(slow(40))
    #expect(watch.take() == ["+provider_latency provider:openai"])
    watch.look(slow(1), seconds: 31)
    #expect(watch.take() == ["-provider_latency provider:openai"])
  }

  @Test func `an event that is old for a moment is no lag`() {
    var watch = Watch()
    watch.look(lag(4000), seconds: 3)
    watch.look(lag(0), seconds: 5)
    #expect(watch.take().isEmpty)
    watch.look(lag(31), seconds: 4)
    #expect(watch.take() == ["+ledger_lag fleet"])
    watch.look(lag(0), seconds: 31)
    #expect(watch.take() == ["-ledger_lag fleet"])
  }

  @Test func `dead letters count by what is new within five minutes, whatever is taken out`() {
    func depth(_ count: Int) -> FleetReading { FleetReading(deadLetters: count) }
    var watch = Watch()
    watch.look(depth(500))  // were there before
    watch.look(depth(510))
    #expect(watch.take().isEmpty)
    watch.look(depth(0))  // all replayed
    watch.look(depth(1))
    #expect(watch.take() == ["+dead_letters fleet"])
    watch.look(depth(1), seconds: 300)
    #expect(watch.take().isEmpty)
    watch.look(depth(1), seconds: 30)
    #expect(watch.take() == ["-dead_letters fleet"])
    for _ in 0..<10 { watch.look(depth(1), seconds: 31) }
    #expect(watch.take().isEmpty)
  }

  @Test func `a quarantine is told at once and is over when nothing came for a while`() {
    var watch = Watch()
    watch.look(FleetReading(hasQuarantined: true), seconds: 300)
    #expect(watch.take() == ["+ledger_quarantine fleet"])
    watch.look(FleetReading(hasQuarantined: false), seconds: 31)
    #expect(watch.take() == ["-ledger_quarantine fleet"])
  }

  @Test func `a condition that somebody else wrote down ends here as well`() {
    let key = Condition.Key(.ledgerQuarantine, .fleet)
    var watch = Watch()
    watch.look(FleetReading(hasQuarantined: false), seconds: 100)
    watch.rules.note(raised: Condition(key, since: Timestamp(milliseconds: 1)))
    watch.look(FleetReading(hasQuarantined: false), seconds: 31)
    #expect(watch.take() == ["-ledger_quarantine fleet"])
  }

  @Test func `a broker that confirms nothing is told after ten seconds and is back after ten good ones`() {
    func silent(_ seconds: Int) -> FleetReading { FleetReading(brokerSilence: .seconds(seconds)) }
    var watch = Watch()
    for second in 0..<11 { watch.look(silent(second)) }
    #expect(watch.take().isEmpty)
    watch.look(silent(11))
    #expect(watch.take() == ["+broker fleet"])
    for second in 12..<600 { watch.look(silent(second)) }
    watch.look(silent(1), seconds: 9)
    watch.look(silent(4))
    watch.look(silent(1), seconds: 10)
    #expect(watch.take().isEmpty)
    watch.look(silent(1))
    #expect(watch.take() == ["-broker fleet"])
  }

  @Test func `a process that stood still for a minute does not take the broker for dead`() {
    var watch = Watch()
    watch.look(FleetReading(brokerSilence: .seconds(60)))
    watch.look(FleetReading(brokerSilence: .zero), seconds: 20)
    #expect(watch.take().isEmpty)
  }

  @Test func `ten slow dead letters an hour are none too many`() {
    var watch = Watch()
    for count in 0..<100 { watch.look(FleetReading(deadLetters: count), seconds: 31) }
    #expect(watch.take().isEmpty)
  }

  @Test func `another process goes on where this one was killed`() {
    var watch = Watch()
    watch.look(rest(.funds))
    watch.look(FleetReading(deadLetters: 0))
    watch.look(FleetReading(deadLetters: 11))
    let left = Array(watch.rules.active.values)
    #expect(left.count == 2)
    watch.told = []
    watch.rules = ConditionRules(active: left)
    var both = rest(.funds)
    both.deadLetters = 11
    watch.look(both, seconds: 298)
    #expect(watch.take().isEmpty)  // neither repeated nor, of the letters it did not see come, forgotten
    both.rests = [:]
    watch.look(both, seconds: 31)
    #expect(watch.take() == ["-dead_letters fleet", "-provider_funds provider:openai"])
  }

  @Test func `what could not be written is answered again`() {
    var watch = Watch()
    watch.look(rest(.funds), seconds: 3, isWritten: false)
    #expect(watch.take().count == 3)
    watch.look(rest(.funds), seconds: 3)
    #expect(watch.take().count == 1)
    watch.look(well, seconds: 13, isWritten: false)
    #expect(watch.take().count == 3)
  }
}
