import Contracts
import Testing

@testable import Billing

struct ConditionsTests {
  private let folder: TemporaryFolder
  private let ledger: Ledger
  private static let began = Timestamp(milliseconds: 1_790_000_000_123)

  init() throws {
    folder = try TemporaryFolder()
    ledger = try Ledger(path: folder.ledgerPath) { Timestamp(milliseconds: 1_790_000_065_000) }
  }

  private let funds = Condition(.init(.providerFunds, .provider("openai")), since: began)
  private let wait = Condition(.init(.laneWait, .lane(.high)), since: began)

  private func bodies() async throws -> [String] {
    try await ledger.unsentAlerts(limit: 10).map { String(decoding: $0.body, as: UTF8.self) }
  }

  @Test func `a condition is told when it begins and when it is over, each once`() async throws {
    #expect(try await ledger.raise(funds, nil) == funds)
    _ = try await ledger.raise(funds, nil)
    #expect(try await ledger.conditions() == [funds])
    #expect(try await ledger.recover(funds.key))
    #expect(try await !ledger.recover(funds.key))
    #expect(try await ledger.conditions().isEmpty)
    let alerts = try await ledger.unsentAlerts(limit: 10)
    #expect(alerts.map(\.routingKey) == ["error.provider_funds", "info.provider_funds"])
    #expect(
      alerts.map(\.id) == [100, 0].map { "provider:openai/2026-09-21T14:13:20.123Z/provider_funds/\($0)" })
    #expect(
      try await bodies() == [
        #"{"kind":"provider_funds","severity":"error","scope":"provider:openai","state":"raised","#
          + #""message":"no money is left at provider openai","#
          + #""action":"put it right there, then: tollway providers release openai","provider":"openai","#
          + #""period":"2026-09-21T14:13:20.123Z","threshold":100,"time":"2026-09-21T14:13:20.123Z"}"#,
        #"{"kind":"provider_funds","severity":"info","scope":"provider:openai","state":"recovered","#
          + #""message":"provider openai serves again, after 64 s","action":null,"provider":"openai","#
          + #""period":"2026-09-21T14:13:20.123Z","threshold":0,"time":"2026-09-21T14:14:25.000Z"}"#,
      ])
  }

  @Test func `one that comes back is told again`() async throws {
    for second in 0..<3 {
      let again = Condition(funds.key, since: Timestamp(milliseconds: Self.began.milliseconds + Int64(second) * 1000))
      _ = try await ledger.raise(again, nil)
      try await ledger.recover(again.key)
    }
    #expect(try await ledger.unsentAlerts(limit: 10).count == 6)
  }

  @Test func `of two processes that raise it the second is told who was first`() async throws {
    _ = try await ledger.raise(funds, nil)
    let later = Condition(funds.key, since: Timestamp(milliseconds: Self.began.milliseconds + 5))
    #expect(try await ledger.raise(later, nil) == funds)
    #expect(try await ledger.unsentAlerts(limit: 10).count == 1)
  }

  @Test func `figures stand beside the sentence`() async throws {
    _ = try await ledger.raise(wait, ConditionFigures(.seconds(5), found: .milliseconds(12_340)))
    #expect(
      try await bodies() == [
        #"{"kind":"lane_wait","severity":"warning","scope":"lane:high","state":"raised","#
          + #""message":"jobs of lane high wait up to 12.34 s for a slot, more than the 5 s they were promised","#
          + #""action":"tollway lanes; start more workers, or give them more slots","lane":"high","#
          + #""period":"2026-09-21T14:13:20.123Z","threshold":100,"unit":"seconds","limit":"5","used":"12.34","#
          + #""time":"2026-09-21T14:13:20.123Z"}"#
      ])
  }

  @Test func `what was told while the ledger was away is written down as told`() async throws {
    let lag = Condition(.init(.ledgerLag, .fleet), since: Self.began)
    _ = try await ledger.raise(lag, nil, isTold: true)
    #expect(try await ledger.unsentAlerts(limit: 10).isEmpty)
    #expect(try await ledger.unnotifiedAlerts(limit: 10).isEmpty)
    #expect(try await ledger.conditions() == [lag])
  }

  @Test func `the exchange and the webhook are marked apart`() async throws {
    _ = try await ledger.raise(funds, nil)
    _ = try await ledger.raise(wait, nil)
    try await ledger.markSent(try await ledger.unsentAlerts(limit: 10))
    let waiting = try await ledger.unnotifiedAlerts(limit: 10)
    #expect(waiting.map(\.routingKey) == ["error.provider_funds", "warning.lane_wait"])
    try await ledger.markNotified([waiting[0]])
    #expect(try await ledger.unnotifiedAlerts(limit: 10) == [waiting[1]])
    #expect(try await ledger.unsentAlerts(limit: 10).isEmpty)
  }

  @Test func `scopes are read as they are written, whatever a model is called`() {
    for subject in [
      Condition.Subject.fleet, .lane(.critical), .provider("a"), .provider("a/b:c/d e"), .provider("fleet"),
    ] { #expect(Condition.Subject("\(subject)") == subject) }
    for text in ["", "fleet:x", "lane:", "lane:fast", "provider", "user:anna"] {
      #expect(Condition.Subject(text) == nil)
    }
  }

  @Test func `every kind has its sentences`() async throws {
    for kind in Condition.Kind.allCases {
      let subject: Condition.Subject =
        switch kind {
        case .deadLetters, .ledgerLag, .ledgerQuarantine, .broker: .fleet
        case .laneWait: .lane(.low)
        default: .provider("p/m")
        }
      _ = try await ledger.raise(
        Condition(.init(kind, subject), since: Self.began), ConditionFigures("letters", found: 3, limit: 2))
    }
    let bodies = try await bodies()
    #expect(bodies.count == Condition.Kind.allCases.count)
    for body in bodies {
      let root = try JSONParser.parse(Array(body.utf8)).root
      #expect(root["message"]?.string?.isEmpty == false)
      #expect(root["action"]?.string?.isEmpty == false)
      #expect(root["state"]?.string == "raised")
    }
  }
}
