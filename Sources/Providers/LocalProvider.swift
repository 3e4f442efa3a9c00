import Catalog
package import Contracts
import Foundation
import Logging
import Synchronization

/// Models on this machine: supervised serving processes that speak the OpenAI-compatible API on Unix sockets (the
/// shipped piper server, vLLM, llama.cpp, ...). By the policy's `isolation` one process serves everybody, or each tier
/// or each user has one of its own, with a socket directory of its own. Calls wait while a process starts, and fail at
/// once while it rests after a crash, so that the next provider takes over. What no process took is a `local` failure:
/// no other worker has to do without the provider for it.
///
/// A process gets `TOLLWAY_SOCKET`, `TOLLWAY_MODELS`, `PATH`, `HOME` and `LANG`; it must answer `GET /v1/models` also
/// while it works, and should end when its standard input does (`ServingGroup`).
package struct LocalProvider: Provider {
  package let name: String
  private let isolation: ProviderDefinition.Isolation
  private let definition: ProviderDefinition
  private let pool: ServingPool
  private let http: ProviderHTTP
  private let artifacts: ArtifactStore
  private let speechBatch: LatestBatch

  /// - Parameters:
  ///   - models: names of the models it is to serve.
  ///   - processes: at most so many at once.
  init(
    _ definition: ProviderDefinition, models: [String], http: ProviderHTTP, artifacts: ArtifactStore,
    environment: [String: String], times: ServingTimes = ServingTimes(), processes: Int = ServingPool.limit,
    logger: Logger
  ) {
    name = definition.name
    isolation = definition.isolation
    self.definition = definition
    self.http = http
    self.artifacts = artifacts
    let speechBatch = LatestBatch()
    self.speechBatch = speechBatch
    var inherited = SpawnedProcess.minimalEnvironment(from: environment)
    inherited["TOLLWAY_MODELS"] = models.joined(separator: ",")
    var logger = logger
    logger[metadataKey: LogKey.provider] = "\(definition.name)"
    let order = ServingProcess.Order(
      command: definition.command, environment: inherited, limits: definition.limits, idleStop: definition.idleStop,
      times: times)
    let watch = LimitWatch(definition.limits, logger: logger)
    pool = ServingPool(limit: processes) { [logger] predecessor in
      ServingProcess(order, watch: watch, after: predecessor, logger: logger) { socket in
        let wire = LocalWire(socket: socket, definition, http: http, artifacts: artifacts)
        guard let models = await Self.models(on: wire, within: times.checkLimit) else { return false }
        speechBatch.note(models.speechBatch)
        return true
      }
    }
  }

  package var separatesUsers: Bool { isolation == .perUser }

  /// Of speech what the server said when it was last asked, 1 before; of embeddings what `OpenAIProvider` takes.
  package func batchLimit(of task: TaskType) -> Int {
    switch task {
    case .tts: speechBatch.value
    case .embedding: 32
    default: 1
    }
  }

  package func call(_ call: ProviderCall) async -> ProviderAnswer {
    await ask(key(of: call), until: limit(call.deadline, call)) { await $0.call(call) }
  }

  package func call(_ batch: [ProviderCall]) async -> [ProviderAnswer] {
    let keys = Set(batch.map { key(of: $0) })
    guard batch.count > 1, keys.count == 1, let key = keys.first, let earliest = batch.map(\.deadline).min() else {
      return await oneByOne(batch)
    }
    let deadline = limit(earliest, batch[0])
    let together: Result<[ProviderAnswer?], ProviderFailure>
    if batch.allSatisfy(SpeechBatch.takes), batch.count <= speechBatch.value {
      together = await ask(key, until: deadline) { await $0.speak(SpeechBatch(calls: batch)) }
    } else if batch.allSatisfy({ $0.job.taskType == .embedding }) {
      together = await ask(key, until: deadline) { await $0.embed(EmbeddingBatch(batch)) }
        .map { $0 as [ProviderAnswer?] }
    } else {
      return await oneByOne(batch)
    }
    switch together {
    case .success(let answers):
      var complete: [ProviderAnswer] = []
      for (each, answer) in zip(batch.apart, answers) {
        if let answer { complete.append(answer) } else { complete.append(await call(each)) }
      }
      return complete
    // One of them is at fault, and only alone does each learn whether it is.
    case .failure(let failure) where [.caller, .contentRefused, .contextTooLong].contains(failure.kind):
      return await oneByOne(batch.apart)
    case .failure(let failure): return batch.map { _ in .failure(failure) }
    }
  }

  package func shutdown() async { await pool.shutdown() }

  private func limit(_ deadline: ContinuousClock.Instant, _ call: ProviderCall) -> ContinuousClock.Instant {
    min(deadline, .now + definition.timeout(of: call.job.taskType))
  }

  private func key(of call: ProviderCall) -> String {
    switch isolation {
    case .shared: ""
    case .perTier: call.tier
    case .perUser: call.job.userKey
    }
  }

  private func ask<Reply: Sendable>(
    _ key: String, until deadline: ContinuousClock.Instant,
    _ work: @escaping @Sendable (LocalWire) async -> Result<Reply, ProviderFailure>
  ) async -> Result<Reply, ProviderFailure> {
    let process: ServingProcess
    switch pool.take(key) {
    case .success(let taken): process = taken
    case .failure(let failure): return .failure(failure)
    }
    let answer = await answer(of: process, until: deadline, work)
    guard case .failure(let failure) = answer else {
      process.use.finish(answered: true)
      return answer
    }
    process.use.finish(answered: failure.reachedProvider && failure.kind != .lost && failure.kind != .cancelled)
    if failure.kind == .lost { await process.suspect() }
    return answer
  }

  private func answer<Reply: Sendable>(
    of process: ServingProcess, until deadline: ContinuousClock.Instant,
    _ work: @escaping @Sendable (LocalWire) async -> Result<Reply, ProviderFailure>
  ) async -> Result<Reply, ProviderFailure> {
    while true {
      switch await process.readiness() {
      case .ready(let socket):
        let late = ProviderFailure(.lost, "no complete answer before the deadline")
        let answer = await AnswerDeadline.answer(by: deadline, late: late) {
          await work(LocalWire(socket: socket, definition, http: http, artifacts: artifacts))
        }
        // Not even connected: it is overrun for a moment, or about to be known as ended.
        guard case .failure(let failure) = answer, failure.kind == .unreachable else { return answer }
      case .unavailable(let reason, let rest):
        return .failure(ProviderFailure(.local, reason, retryAfter: rest))
      case .starting: break
      }
      guard ContinuousClock.now < deadline else {
        return .failure(
          ProviderFailure(.local, "the serving process takes no call yet", retryAfter: ServingPool.moment))
      }
      do {
        try await Task.sleep(for: .milliseconds(20))
      } catch {
        return .failure(
          ProviderFailure(.cancelled, "cancelled before the serving process took the call", reachedProvider: false))
      }
    }
  }

  private static func models(on wire: LocalWire, within limit: Duration) async -> ServedModels? {
    let silence = ProviderFailure(.lost, "no answer")
    let answer: Result<ServedModels, ProviderFailure> = await AnswerDeadline.answer(by: .now + limit, late: silence) {
      if let models = await wire.models() { .success(models) } else { .failure(silence) }
    }
    return switch answer {
    case .success(let models): models
    case .failure: nil
    }
  }
}

/// The batch limit that a server said last. All processes of a provider run the same command and say the same.
private final class LatestBatch: Sendable {
  private let latest = Mutex(1)

  var value: Int { latest.withLock { $0 } }

  func note(_ limit: Int) { latest.withLock { $0 = limit } }
}
