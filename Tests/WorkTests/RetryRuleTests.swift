import Contracts
import Providers
import Testing

@testable import Work

@Suite struct RetryRuleTests {
  private func next(
    _ kind: ProviderFailure.Kind, mayRepeat: Bool = true, tries: Int = 1, hasNext: Bool = true,
    retryAfter: Duration? = nil, elapsed: Duration = .zero, mayRetry: Bool = true, reached: Bool? = nil
  ) -> RetryRule.Next {
    let failure = ProviderFailure(kind, "why", retryAfter: retryAfter, reachedProvider: reached)
    return RetryRule(tries: tries, hasNext: hasNext, mayRepeat: mayRepeat, jitter: 0.5)
      .follow(failure, elapsed: elapsed) { mayRetry }
  }

  @Test(arguments: [ProviderFailure.Kind.server, .unreachable])
  func `trouble of a server is met once more there, then elsewhere`(kind: ProviderFailure.Kind) {
    #expect(next(kind) == .again(after: .milliseconds(250)))
    #expect(next(kind, tries: 2) == .next)
    #expect(next(kind, mayRetry: false) == .next)
    #expect(next(kind, retryAfter: .seconds(1)) == .again(after: .seconds(1)))
    #expect(next(kind, retryAfter: .seconds(20)) == .next)
  }

  @Test func `a rate limit is waited out only where nobody else stands behind it and the wait is short`() {
    #expect(next(.rateLimited, retryAfter: .seconds(2)) == .next)
    #expect(next(.rateLimited, hasNext: false, retryAfter: .seconds(2)) == .again(after: .seconds(2)))
    #expect(next(.rateLimited, hasNext: false, retryAfter: .seconds(3)) == .next)
    #expect(next(.rateLimited) == .again(after: .milliseconds(250)))
    #expect(next(.rateLimited, tries: 2) == .next)
  }

  @Test func `what fell silent is not asked again, what broke at once is where nobody stands behind it`() {
    #expect(next(.lost, hasNext: false, elapsed: .seconds(15)) == .next)
    #expect(next(.lost, elapsed: .milliseconds(40)) == .next)
    #expect(next(.lost, hasNext: false, elapsed: .milliseconds(40)) == .again(after: .milliseconds(250)))
  }

  @Test func `a picture or a clip of which nobody heard again is not bought twice`() {
    guard case .end(let fault) = next(.lost, mayRepeat: false) else { Issue.record("bought again"); return }
    #expect(fault.code == .providerFailed)
    #expect(next(.lost, mayRepeat: false, hasNext: false, reached: false) == .again(after: .milliseconds(250)))
  }

  @Test func `what is wrong with the job ends it`() {
    guard case .end(let caller) = next(.caller), case .end(let content) = next(.contentRefused) else {
      Issue.record("went on"); return
    }
    #expect(caller.code == .callerError)
    #expect(content.code == .contentRefused)
  }

  @Test(arguments: [ProviderFailure.Kind.contextTooLong, .account, .funds, .notFound, .malformed, .local])
  func `what will not change there goes to the next at once`(kind: ProviderFailure.Kind) {
    #expect(next(kind) == .next)
  }

  @Test func `what was made and cannot be kept is not made again elsewhere`() {
    guard case .end(let fault) = next(.local, mayRepeat: false, reached: true) else {
      Issue.record("bought again")
      return
    }
    #expect(fault.code == .providerFailed)
  }

  @Test func `a worker that ends leaves the run alone`() { #expect(next(.cancelled) == .abandon) }

  @Test func `a retry budget is a fifth of the calls, and ten at the start`() {
    let budget = RetryBudget()
    let taken = (0..<100).filter { _ in
      budget.called("p")
      return budget.take("p")
    }
    #expect((27...30).contains(taken.count))
    #expect(budget.take("other"))
  }
}
