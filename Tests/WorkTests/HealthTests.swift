import Admission
import Providers
import Testing

@testable import Work

@Suite struct HealthTests {
  private static let success = ProviderAnswer.success(ProviderReply(output: [], usage: []))

  private func failure(_ kind: ProviderFailure.Kind, after pause: Duration? = nil) -> ProviderAnswer {
    .failure(ProviderFailure(kind, "", retryAfter: pause))
  }

  @Test func `what is the job's fault shows that the provider serves`() {
    for kind in [ProviderFailure.Kind.caller, .contentRefused, .contextTooLong] {
      #expect(Health(failure(kind)) == .serves)
    }
    #expect(Health(Self.success) == .serves)
  }

  @Test func `trouble counts, a rate says for how long, and our own trouble says nothing`() {
    for kind in [ProviderFailure.Kind.server, .unreachable, .lost, .malformed] {
      #expect(Health(failure(kind)) == .fails)
    }
    #expect(Health(failure(.rateLimited, after: .seconds(7))) == .rests(.seconds(7)))
    #expect(Health(failure(.rateLimited)) == .fails)
    #expect(Health(failure(.account)) == .account)
    #expect(Health(failure(.funds)) == .funds)
    #expect(Health(failure(.notFound)) == .gone)
    #expect(Health(failure(.cancelled)) == .unsaid)
    #expect(Health(failure(.local)) == .unsaid)
  }

  private func probe(_ health: Health, of scope: String) -> BreakerReport {
    health.report(on: (scope, "w.1"), modelScope: "p/m")
  }

  @Test func `a probe that succeeds ends the rest, one that fails does not, one that says nothing is given back`() {
    #expect(probe(.serves, of: "p") == BreakerReport(scope: "p", successes: 1, probe: "w.1"))
    #expect(probe(.fails, of: "p") == BreakerReport(scope: "p", failures: 1, probe: "w.1"))
    #expect(probe(.funds, of: "p") == BreakerReport(scope: "p", shut: .funds, probe: "w.1"))
    #expect(probe(.unsaid, of: "p") == BreakerReport(scope: "p", probe: "w.1"))
  }

  @Test func `that a provider fails says nothing of a model that was gone, and the other way round`() {
    #expect(probe(.fails, of: "p/m") == BreakerReport(scope: "p/m", probe: "w.1"))
    #expect(probe(.gone, of: "p/m") == BreakerReport(scope: "p/m", shut: .gone, probe: "w.1"))
    #expect(probe(.gone, of: "p") == BreakerReport(scope: "p", successes: 1, probe: "w.1"))
    #expect(probe(.serves, of: "p/m") == BreakerReport(scope: "p/m", successes: 1, probe: "w.1"))
  }
}
