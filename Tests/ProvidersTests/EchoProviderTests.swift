import Contracts
import Testing

@testable import Providers

struct EchoProviderTests {
  let echo = EchoProvider(name: "echo")

  @Test func `the payload comes back byte for byte`() async throws {
    let payload = #"{"text" : "a\u00e9b",  "n":1.50}"#
    let reply = try await echo.call(call(.echo, payload)).reply()
    #expect(reply.text == #"{"echo":"# + payload + "}")
    #expect(reply.usage == [Usage(.requests, ExactDecimal(1), .measured)])
    #expect(reply.statedCost == nil)
  }

  @Test func `usage in the payload counts as stated by the provider`() async throws {
    let reply = try await echo.call(call(.echo, #"{"usage":{"characters":12,"audio_seconds":3.5}}"#)).reply()
    #expect(
      reply.usage == [
        Usage(.characters, ExactDecimal(12), .provider),
        Usage(.audioSeconds, ExactDecimal(mantissa: 35, decimals: 1), .provider),
      ])
  }

  @Test(arguments: ProviderFailure.Kind.allCases)
  func `a kind of failure is called by its name`(kind: ProviderFailure.Kind) async throws {
    let failure = try await echo.call(call(.echo, #"{"fail":"\#(kind.rawValue)"}"#)).failure()
    #expect(failure.kind == kind)
  }

  @Test(arguments: [
    ("caller_error", ProviderFailure.Kind.caller), ("content_refused", .contentRefused), ("cancelled", .cancelled),
    ("deadline_exceeded", .lost), ("no_route", .notFound), ("provider_failed", .server), ("anything", .server),
  ])
  func `end codes stand for what causes them`(word: String, kind: ProviderFailure.Kind) {
    #expect(EchoProvider.kind(named: word) == kind)
  }

  @Test func `a sleep takes its time`() async throws {
    let start = ContinuousClock.now
    _ = try await echo.call(call(.echo, #"{"sleepMs":60}"#)).reply()
    #expect(ContinuousClock.now - start >= .milliseconds(60))
  }

  @Test func `a sleep beyond the deadline is lost at the deadline`() async throws {
    let start = ContinuousClock.now
    let failure = try await echo.call(call(.echo, #"{"sleepMs":60000}"#, within: .milliseconds(50))).failure()
    #expect(failure.kind == .lost)
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  @Test func `cancelling ends a sleep`() async throws {
    let call = try call(.echo, #"{"sleepMs":60000}"#)
    let task = Task { await echo.call(call) }
    task.cancel()
    #expect(try await task.value.failure().kind == .cancelled)
  }
}
