import Catalog
package import Contracts

/// Any server that speaks the OpenAI-compatible HTTP API: chat completions, embeddings, speech, pictures, films.
/// The key is read when the value is made and goes only into the `Authorization` header; who the user is goes nowhere.
package struct OpenAIProvider: Provider {
  package let name: String
  private let endpoint: RemoteEndpoint
  private let wire: OpenAIWire

  static let defaultBaseURL = "https://api.openai.com/v1"

  init(
    _ definition: ProviderDefinition, http: ProviderHTTP, artifacts: ArtifactStore, environment: [String: String],
    pace: PollPace = PollPace()
  ) {
    name = definition.name
    endpoint = RemoteEndpoint(definition, defaultBaseURL: Self.defaultBaseURL, environment: environment)
    wire = OpenAIWire(
      http: http, baseURL: endpoint.baseURL, key: endpoint.key, artifacts: artifacts, defaultVoice: "alloy",
      firstTokenTimeout: endpoint.firstTokenTimeout, idleTimeout: endpoint.idleTimeout, pace: pace)
  }

  package func call(_ call: ProviderCall) async -> ProviderAnswer {
    await endpoint.answer(call) { await wire.call(call) }
  }

  /// Vectors of several jobs come in one answer. Bounded by what one body may hold in the largest dimensions.
  package func batchLimit(of task: TaskType) -> Int { task == .embedding ? 32 : 1 }

  package func call(_ batch: [ProviderCall]) async -> [ProviderAnswer] {
    guard batch.count > 1, let deadline = batch.map(\.deadline).min() else { return await oneByOne(batch) }
    let together = await endpoint.answer(by: deadline, .embedding) { await wire.embed(EmbeddingBatch(batch)) }
    switch together {
    case .success(let answers): return answers
    // One of them is at fault, or all together are too long; only alone does each learn whether it is.
    case .failure(let failure) where [.caller, .contentRefused, .contextTooLong].contains(failure.kind):
      return await oneByOne(batch.apart)
    case .failure(let failure): return batch.map { _ in .failure(failure) }
    }
  }

  package func shutdown() async {}
}
