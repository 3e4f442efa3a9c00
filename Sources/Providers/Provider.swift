package import Contracts

/// The seam to an AI provider. One value per entry of the policy's `providers`, shared by all jobs; implementations are
/// safe to call concurrently and never throw: whatever happens is an answer. They obey the call's deadline themselves,
/// end promptly when the surrounding task is cancelled, bound what they read, and keep texts and keys out of every
/// failure they report.
package protocol Provider: Sendable {
  /// The name in the policy file.
  var name: String { get }

  func call(_ call: ProviderCall) async -> ProviderAnswer

  /// Most jobs of this task that one call may carry; 1 where it carries one only.
  func batchLimit(of task: TaskType) -> Int

  /// What calls must have in common, besides task and model, to travel in one; nil for one that travels alone.
  func batchKey(of call: ProviderCall) -> String?

  /// Whether jobs of different users may not travel in one call: a serving process of their own each.
  var separatesUsers: Bool { get }

  /// Several jobs of one task and model in one call, as few as it likes to take together: one answer for each, in order.
  /// What is wrong with one of them is no failure of the others.
  func call(_ batch: [ProviderCall]) async -> [ProviderAnswer]

  /// Ends what the provider holds open: connections, serving processes. Called once, after the last call.
  func shutdown() async
}

extension Provider {
  package func batchLimit(of task: TaskType) -> Int { 1 }

  package func batchKey(of call: ProviderCall) -> String? { "" }

  package var separatesUsers: Bool { false }

  package func call(_ batch: [ProviderCall]) async -> [ProviderAnswer] { await oneByOne(batch) }

  func oneByOne(_ batch: [ProviderCall]) async -> [ProviderAnswer] {
    var answers: [ProviderAnswer] = []
    for call in batch { answers.append(await self.call(call)) }
    return answers
  }
}

/// One attempt of one job at one model.
package struct ProviderCall: Sendable {
  package let job: Job
  package let model: String
  package let modelVersion: String?
  /// `<jobId>/<run>/<attempt>`: the stem of artifact names.
  package let attemptID: String
  /// Sent as `Idempotency-Key`, of a batch that of its first call: the attempt's id, but see `apart`.
  package fileprivate(set) var idempotencyKey: String
  package let deadline: ContinuousClock.Instant
  /// Code of the tier that judges the job: serving processes may be dedicated to one.
  package let tier: String
  /// The provider's own id of this attempt, where an earlier holder of the run had begun it already: the provider goes on
  /// with that and starts nothing new. Only of providers that work in the background (videos).
  package let remoteTask: String?
  /// Writes the provider's own id of a task down before anybody waits for it, so that a crash does not buy it twice.
  /// False: it could not be written; the attempt goes on all the same.
  package let noteRemoteTask: @Sendable (String) async -> Bool

  package init(
    job: Job, model: String, modelVersion: String?, attemptID: String, deadline: ContinuousClock.Instant,
    tier: String = "", remoteTask: String? = nil,
    noteRemoteTask: @escaping @Sendable (String) async -> Bool = { _ in false }
  ) {
    self.job = job
    self.model = model
    self.modelVersion = modelVersion
    self.attemptID = attemptID
    idempotencyKey = attemptID
    self.deadline = deadline
    self.tier = tier
    self.remoteTask = remoteTask
    self.noteRemoteTask = noteRemoteTask
  }
}

extension [ProviderCall] {
  /// The same calls to be sent one by one, after one that carried them all. The first gets a key of its own, because
  /// its id was the key of what was sent, and servers hold a key to the body that it came with.
  var apart: [ProviderCall] {
    var calls = self
    if !calls.isEmpty { calls[0].idempotencyKey += "/1" }
    return calls
  }
}

package typealias ProviderAnswer = Result<ProviderReply, ProviderFailure>

package struct ProviderReply: Sendable {
  /// JSON text of the result's `output`.
  package var output: [UInt8]
  /// Empty where the provider stated nothing usable and there is nothing to measure: then only an estimate remains.
  package var usage: [Usage]
  /// What the provider says it charged; wins over the price book.
  package var statedCost: Money?
  /// The version that answered, where the provider says so.
  package var modelVersion: String?

  package init(output: [UInt8], usage: [Usage], statedCost: Money? = nil, modelVersion: String? = nil) {
    self.output = output
    self.usage = usage
    self.statedCost = statedCost
    self.modelVersion = modelVersion
  }
}

package struct ProviderFailure: Sendable, Error {
  /// The error taxonomy: decides retry, next provider, breaker, charge (DESIGN "Routing").
  package enum Kind: String, Sendable, CaseIterable {
    /// The request itself is wrong: no provider will do better.
    case caller
    /// The provider refused the content.
    case contentRefused = "content_refused"
    /// More than this model takes; one with a larger context may do.
    case contextTooLong = "context_too_long"
    /// Key refused, or account closed.
    case account
    /// No money left there: a spend limit or a quota of the account. Lasts until somebody pays.
    case funds
    /// The model is gone.
    case notFound = "not_found"
    case rateLimited = "rate_limited"
    /// 5xx, overloaded.
    case server
    /// Never dispatched: name not found, refused, TLS.
    case unreachable
    /// Dispatched, then silence: a timeout or a reset. It may have been done and charged.
    case lost
    /// An answer that is none: bad JSON, cut short, too large.
    case malformed
    /// The caller gave up: cancellation or shutdown.
    case cancelled
    /// This worker cannot: key missing, process resting or busy. Says nothing about the provider. With `retryAfter`
    /// where it passes.
    case local
  }

  package var kind: Kind
  /// For people: what happened, in our words, at most a line; never the provider's text.
  package var detail: String
  package var retryAfter: Duration?
  /// What was used all the same, where it is known.
  package var usage: [Usage]
  /// Whether the provider saw the call: then the attempt has a cost event. Follows from the kind unless said otherwise:
  /// an artifact that cannot be written is a `local` failure after a call that was made and charged.
  package var reachedProvider: Bool

  package init(
    _ kind: Kind, _ detail: String, retryAfter: Duration? = nil, usage: [Usage] = [], reachedProvider: Bool? = nil
  ) {
    self.kind = kind
    self.detail = detail
    self.retryAfter = retryAfter
    self.usage = usage
    self.reachedProvider = reachedProvider ?? (kind != .unreachable && kind != .local)
  }

  /// Of what is not bought twice: a success that cannot be read may have been made and charged, so it counts as lost.
  var ofPurchase: ProviderFailure {
    guard kind == .malformed else { return self }
    var failure = self
    failure.kind = .lost
    return failure
  }
}
