import Catalog
import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

/// What the worker relies on, of every kind of provider. Over real HTTP to a process of its own where HTTP is spoken.
struct ConformanceTests {
  @Test(arguments: Contestant.all)
  func `a job is answered with what it used and under its own id`(_ contestant: Contestant) async throws {
    let arena = try await Arena(contestant)
    let reply = try await arena.answer(attemptID: "job/run/3").reply()
    #expect(try reply.document().isObject)
    #expect(!reply.usage.isEmpty)
    #expect(reply.usage.allSatisfy { $0.quantity.mantissa > 0 })
    if let artifact = try reply.document()["artifact"] {
      #expect(try reply.artifactBytes().count == artifact["bytes"]?.integer)
    }
    if Contestant.speaking.contains(where: { $0.kind == contestant.kind }) {
      #expect(try arena.calls().map { $0["key"]?.string } == ["job/run/3"])
    }
    try await arena.end()
  }

  @Test(arguments: Contestant.all)
  func `silence ends at the deadline`(_ contestant: Contestant) async throws {
    let arena = try await Arena(contestant, doing: "silent")
    let start = ContinuousClock.now
    let limit = Duration.seconds(contestant.kind == .local ? 12 : 3)  // a process has to be started meanwhile
    let failure = try await arena.answer(within: limit).failure()
    #expect(ContinuousClock.now - start >= limit)
    #expect(ContinuousClock.now - start < limit + .seconds(30))
    #expect(failure.kind == (contestant.isProgram ? .server : .lost))
    #expect(failure.reachedProvider)
    try await arena.end()
  }

  @Test(arguments: Contestant.all.filter { $0.kind != .echo })
  func `the provider's own limit on a call holds too`(_ contestant: Contestant) async throws {
    let arena = try await Arena(contestant, doing: "silent", timeout: .seconds(1))
    let start = ContinuousClock.now
    _ = try await arena.answer().failure()
    #expect(ContinuousClock.now - start < .seconds(25))
    try await arena.end()
  }

  @Test(arguments: Contestant.all.filter { $0.kind != .echo })
  func `past its deadline a job is not sent`(_ contestant: Contestant) async throws {
    let arena = try await Arena(contestant)
    let failure = try await arena.answer(within: .milliseconds(-1)).failure()
    #expect(!failure.reachedProvider)
    #expect(try arena.calls().isEmpty)
    try await arena.end()
  }

  @Test(arguments: Contestant.all)
  func `cancelling ends a call at once`(_ contestant: Contestant) async throws {
    let arena = try await Arena(contestant, doing: "silent")
    let provider = try arena.provider
    let call = try arena.call()
    let task = Task { await provider.call(call) }
    try await waitUntil("the call has begun") { try arena.hasBegun() }
    let start = ContinuousClock.now
    task.cancel()
    #expect(try await task.value.failure().kind == .cancelled)
    #expect(ContinuousClock.now - start < .seconds(20))
    try await arena.end()
  }

  @Test(arguments: Contestant.speaking)
  func `an answer beyond bounds is refused`(_ contestant: Contestant) async throws {
    // A stream without end; for the others that is the second of these.
    for behaviour in ["huge", "huge-chunked", "gzip"] + (contestant.task == .llm ? ["endless"] : []) {
      let arena = try await Arena(contestant, doing: behaviour)
      let failure = try await arena.answer().failure()
      #expect(failure.kind == contestant.unreadable, "\(behaviour): \(failure.detail)")
      #expect(failure.reachedProvider)
      try await arena.end()
    }
  }

  private static let faults: [(behaviour: String, kind: ProviderFailure.Kind)] = [
    ("400", .caller), ("401", .account), ("402", .funds), ("403", .account), ("404", .notFound), ("408", .lost),
    ("413", .caller), ("422", .caller), ("429", .rateLimited), ("429:2", .rateLimited), ("quota", .funds),
    ("context", .contextTooLong), ("500", .server), ("503:2", .server), ("529", .server), ("reset", .lost),
    ("malformed", .malformed), ("truncated", .malformed), ("redirect", .malformed),
  ]

  @Test(arguments: Contestant.remote)
  func `a failure has its kind and tells no secret`(_ contestant: Contestant) async throws {
    let vendors = try await FakeVendors()
    for (number, (behaviour, kind)) in Self.faults.enumerated() {
      let arena = try await Arena(contestant, doing: behaviour, at: vendors)
      let failure = try await arena.answer().failure()
      let isUnreadable = ["malformed", "truncated"].contains(behaviour)
      #expect(failure.kind == (isUnreadable ? contestant.unreadable : kind), "\(behaviour): \(failure.detail)")
      #expect(failure.reachedProvider)
      #expect(failure.retryAfter == (behaviour.hasSuffix(":2") ? .seconds(2) : nil), "\(behaviour)")
      for secret in ["SECRET", FakeVendors.key, "quick", "127.0.0.1"] {
        #expect(!String(reflecting: failure).contains(secret), "\(behaviour)")
      }
      #expect(!String(reflecting: try arena.provider).contains(FakeVendors.key))
      #expect(try vendors.calls().count == number + 1, "\(behaviour): an adapter calls once")
      await arena.set.shutdown()
    }
    try await vendors.end()
  }

  @Test(arguments: Contestant.remote)
  func `a refused connection is no call`(_ contestant: Contestant) async throws {
    let arena = try await Arena(contestant)
    try await arena.vendors.end()
    let failure = try await arena.answer().failure()
    #expect(failure.kind == .unreachable)
    #expect(!failure.reachedProvider)
    await arena.set.shutdown()
  }

  @Test(arguments: Contestant.remote)
  func `a key that is not there is said before anything is sent`(_ contestant: Contestant) async throws {
    let vendors = try await FakeVendors()
    var definition = vendors.definition(contestant.kind)
    definition.apiKeyVariable = "NO_SUCH_KEY"
    let set = ProviderSet(
      policy: Policy(
        defaultTier: "FREE", trustsMessageTier: true, aliases: [:], tiers: [:],
        providers: [definition.name: definition], models: [], plainHTTPHosts: []),
      artifacts: vendors.artifacts, environment: [:], logger: silentLogger)
    let provider = try #require(set[definition.name])
    let failure = try await provider.call(call(contestant.task, contestant.payload)).failure()
    #expect(failure.kind == .local)
    #expect(failure.detail.contains("NO_SUCH_KEY"))
    #expect(try vendors.calls().isEmpty)
    await set.shutdown()
    try await vendors.end()
  }

  @Test(arguments: Contestant.all)
  func `shutdown ends promptly after a call`(_ contestant: Contestant) async throws {
    let arena = try await Arena(contestant)
    _ = try await arena.answer().reply()
    let start = ContinuousClock.now
    try await arena.end()
    #expect(ContinuousClock.now - start < .seconds(40))
  }

  @Test(arguments: Contestant.all)
  func `what a provider serves is what the capability table says`(_ contestant: Contestant) async throws {
    let arena = try await Arena(contestant)
    let samples: [TaskType: String] = [
      .tts: #"{"text":"a"}"#, .llm: #"{"prompt":"a"}"#, .image: #"{"prompt":"a"}"#, .video: #"{"prompt":"a"}"#,
      .embedding: #"{"input":"a"}"#, .echo: "{}",
    ]
    for (task, payload) in samples {
      let call = try ProvidersTests.call(task, payload, within: .seconds(60))
      let refusal = Capability.refusal(of: contestant.kind, model: "model", for: call.job)
      let answer = await (try arena.provider).call(call)
      if case .failure(let failure) = answer, failure.kind == .local, !failure.reachedProvider {
        #expect(refusal != nil, "\(task): \(failure.detail)")
      } else {
        #expect(refusal == nil, "\(task)")
      }
    }
    try await arena.end()
  }
}
