import Catalog
package import Contracts

/// Any server that speaks the OpenAI-compatible HTTP API: chat completions, embeddings, speech, pictures, films.
/// The key is read when the value is made and goes only into the `Authorization` header; who the user is goes nowhere.
package struct OpenAIProvider: Provider {
  package let name: String
  private let definition: ProviderDefinition
  private let wire: OpenAIWire
  /// Set when the definition names a key that is not there: every call then says so.
  private let missingKey: String?

  static let defaultBaseURL = "https://api.openai.com/v1"

  init(
    _ definition: ProviderDefinition, http: ProviderHTTP, artifacts: ArtifactStore, environment: [String: String],
    pace: PollPace = PollPace()
  ) {
    name = definition.name
    self.definition = definition
    var key: APIKey?
    switch APIKey.lookUp(definition, environment: environment) {
    case .found(let found):
      key = found
      missingKey = nil
    case .notNeeded: missingKey = nil
    case .missing(let reason): missingKey = reason
    }
    var baseURL = definition.baseURL ?? Self.defaultBaseURL
    while baseURL.hasSuffix("/") { baseURL.removeLast() }
    wire = OpenAIWire(
      http: http, baseURL: baseURL, key: key, artifacts: artifacts, defaultVoice: "alloy",
      firstTokenTimeout: definition.firstTokenTimeout, idleTimeout: definition.idleTimeout, pace: pace)
  }

  package func call(_ call: ProviderCall) async -> ProviderAnswer {
    if let missingKey { return .failure(ProviderFailure(.local, "no key: \(missingKey)")) }
    let late = ProviderFailure(.lost, "no complete answer before the deadline")
    return await AnswerDeadline.answer(
      by: min(call.deadline, .now + definition.timeout(of: call.job.taskType)), late: late
    ) {
      await wire.call(call)
    }
  }

  /// Vectors of several jobs come in one answer. Bounded by what one body may hold in the largest dimensions.
  package func batchLimit(of task: TaskType) -> Int { task == .embedding ? 32 : 1 }

  package func call(_ batch: [ProviderCall]) async -> [ProviderAnswer] {
    guard batch.count > 1, missingKey == nil, let deadline = batch.map(\.deadline).min() else {
      return await oneByOne(batch)
    }
    let late = ProviderFailure(.lost, "no complete answer before the deadline")
    let together = await AnswerDeadline.answer(by: min(deadline, .now + definition.timeout(of: .embedding)), late: late)
    {
      await wire.embed(EmbeddingBatch(batch))
    }
    switch together {
    case .success(let answers): return answers
    // One of them is at fault, or all together are too long; only alone does each learn whether it is.
    case .failure(let failure) where [.caller, .contentRefused, .contextTooLong].contains(failure.kind):
      return await oneByOne(batch.apart)
    case .failure(let failure): return batch.map { _ in .failure(failure) }
    }
  }

  private func oneByOne(_ batch: [ProviderCall]) async -> [ProviderAnswer] {
    var answers: [ProviderAnswer] = []
    for each in batch { answers.append(await call(each)) }
    return answers
  }

  package func shutdown() async {}
}
