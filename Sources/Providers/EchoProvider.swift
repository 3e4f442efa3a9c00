package import Contracts

/// Answers with the payload it was given: for tests, load and benchmarks. Thousands of calls a second go through here,
/// so a call without `sleepMs` never suspends, and the payload is copied as the bytes it came in.
///
/// Payload: `sleepMs` waits that long; `usage` is reported as the provider's own statement, else one request is
/// counted; `fail` ends the call (after the sleep) in the way its word says, see `kind(named:)`. Calls that sleep equally
/// long may travel together, as calls of a provider with a latency would.
package struct EchoProvider: Provider {
  package let name: String

  package init(name: String) { self.name = name }

  package func batchLimit(of task: TaskType) -> Int { 64 }

  package func batchKey(of call: ProviderCall) -> String? { Self.sleep(of: call).map { "\($0)" } }

  package func call(_ call: ProviderCall) async -> ProviderAnswer {
    if let sleep = Self.sleep(of: call), let failure = await Self.sleep(sleep, until: call.deadline) {
      return .failure(failure)
    }
    return Self.answer(call.job.payload)
  }

  package func call(_ batch: [ProviderCall]) async -> [ProviderAnswer] {
    guard let sleep = batch.first.flatMap(Self.sleep(of:)), let deadline = batch.map(\.deadline).min() else {
      return batch.map { Self.answer($0.job.payload) }
    }
    if let failure = await Self.sleep(sleep, until: deadline) { return batch.map { _ in .failure(failure) } }
    return batch.map { Self.answer($0.job.payload) }
  }

  /// Milliseconds; nil for a call that does not sleep.
  private static func sleep(of call: ProviderCall) -> Int? {
    call.job.payload["sleepMs"]?.integer.flatMap { $0 > 0 ? $0 : nil }
  }

  /// Nil when it slept to the end.
  private static func sleep(_ milliseconds: Int, until deadline: ContinuousClock.Instant) async -> ProviderFailure? {
    let wakeup = ContinuousClock.now + .milliseconds(milliseconds)
    do {
      try await Task.sleep(until: min(wakeup, deadline), clock: .continuous)
    } catch {
      return ProviderFailure(.cancelled, "cancelled while sleeping")
    }
    return wakeup > deadline ? ProviderFailure(.lost, "no answer before the deadline") : nil
  }

  private static func answer(_ payload: JSONValue) -> ProviderAnswer {
    let usage = usage(in: payload)
    if let word = payload["fail"]?.string {
      return .failure(ProviderFailure(kind(named: word), "failed as the payload asked", usage: usage))
    }
    let raw = payload.raw
    var output = JSONWriter(capacity: raw.count + 9)
    output.literal(#"{"echo":"#)
    output.raw(raw)
    output.literal("}")
    return .success(ProviderReply(output: output.bytes, usage: usage))
  }

  package func shutdown() async {}

  /// The kinds of failure by their own names (`rate_limited`, `lost`, ...), and the end codes that a provider can
  /// cause: `caller_error`, `deadline_exceeded` (silence until the deadline), `no_route` (the model is gone). Any
  /// other word, `provider_failed` among them, is the fault of the server.
  static func kind(named word: String) -> ProviderFailure.Kind {
    if let kind = ProviderFailure.Kind(rawValue: word) { return kind }
    return switch word {
    case EndCode.callerError.rawValue: .caller
    case EndCode.deadlineExceeded.rawValue: .lost
    case EndCode.noRoute.rawValue: .notFound
    default: .server
    }
  }

  private static let oneRequest = [Usage(.requests, ExactDecimal(1), .measured)]

  private static func usage(in payload: JSONValue) -> [Usage] {
    guard let stated = payload["usage"], stated.isObject else { return oneRequest }
    return stated.members.compactMap { name, value in
      guard let unit = Usage.Unit(rawValue: name), let quantity = value.decimal else { return nil }
      return Usage(unit, quantity, .provider)
    }
  }
}
