import Admission
import Catalog
import Contracts
import Testing

@testable import Work

@Suite struct BreakerViewTests {
  private static let now = Timestamp(milliseconds: 1_000_000)

  private func candidate(_ provider: String, id: String = "m") -> Plan.Candidate {
    Plan.Candidate(
      Router.Choice(
        provider: ProviderDefinition(
          name: provider, kind: .echo, baseURL: nil, apiKeyVariable: nil, apiKeyFile: nil, timeout: .seconds(1),
          command: [], isolation: .shared), model: "m", version: nil, id: id),
      price: nil)
  }

  private func view(_ states: BreakerState...) -> BreakerView {
    BreakerView(Dictionary(uniqueKeysWithValues: states.map { ($0.scope, $0) }), now: Self.now)
  }

  private func state(
    _ scope: String, _ reason: BreakerState.Reason = .failures, in milliseconds: Int64, isProbed: Bool = false
  ) -> BreakerState {
    BreakerState(
      scope: scope, reason: reason, since: Timestamp(milliseconds: 0),
      retryAt: Timestamp(milliseconds: Self.now.milliseconds + milliseconds), isProbed: isProbed)
  }

  @Test func `what rests is passed over, the rest keeps its order`() {
    var view = view(state("b", in: 3000))
    var skipped: [RouteSkip] = []
    let serving = view.serving(["a", "b", "c"].map { candidate($0) }, &skipped)
    #expect(serving.map(\.provider.name) == ["a", "c"])
    #expect(skipped.map(\.provider) == ["b"])
    #expect(skipped.map(\.reason) == [.breaker])
  }

  @Test func `of a wave one job gets the probe that is due`() {
    var view = view(state("a", in: -1))
    var skipped: [RouteSkip] = []
    #expect(view.serving([candidate("a")], &skipped).map(\.probes) == ["a"])
    #expect(view.serving([candidate("a")], &skipped).isEmpty)
    #expect(skipped.count == 1)
  }

  @Test func `nobody is given a probe that another holds, or of what was taken out by hand`() {
    var view = view(state("a", in: -1, isProbed: true), state("b", .hand, in: -1))
    var skipped: [RouteSkip] = []
    #expect(view.serving([candidate("a"), candidate("b")], &skipped).isEmpty)
  }

  @Test func `a version that is gone takes no other version with it`() {
    var view = view(state("a/m-2", .gone, in: 9000))
    var skipped: [RouteSkip] = []
    #expect(view.serving([candidate("a", id: "m-2")], &skipped).isEmpty)
    #expect(view.serving([candidate("a", id: "m-1")], &skipped).count == 1)
  }

  @Test func `a job waits for the earliest probe, and never longer than between two looks`() {
    let view = view(state("a", in: 9000), state("b", in: 3000), state("c", .hand, in: 0), state("d", in: 600_000))
    #expect(view.rest(of: [candidate("a"), candidate("b")]) == .seconds(3))
    #expect(view.rest(of: [candidate("c")]) == BreakerView.longest)
    #expect(view.rest(of: [candidate("d")]) == BreakerView.longest)
  }
}
