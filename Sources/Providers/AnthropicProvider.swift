import Catalog
import Contracts

/// Chat by Anthropic's Messages API, streamed. The key goes only into the `x-api-key` header; who the user is goes
/// nowhere. Immutable; safe to use from anywhere.
package struct AnthropicProvider: Provider {
  package let name: String
  private let endpoint: RemoteEndpoint
  private let http: ProviderHTTP
  private let artifacts: ArtifactStore

  /// Above `/v1`.
  static let defaultBaseURL = "https://api.anthropic.com"
  /// Of the API, whatever the model.
  static let version = "2023-06-01"

  init(
    _ definition: ProviderDefinition, http: ProviderHTTP, artifacts: ArtifactStore, environment: [String: String]
  ) {
    name = definition.name
    endpoint = RemoteEndpoint(definition, defaultBaseURL: Self.defaultBaseURL, environment: environment)
    self.http = http
    self.artifacts = artifacts
  }

  package func call(_ call: ProviderCall) async -> ProviderAnswer {
    await endpoint.answer(call, throwing: { () async throws(ProviderFailure) in try await write(call) })
  }

  package func shutdown() async {}

  private func write(_ call: ProviderCall) async throws(ProviderFailure) -> ProviderReply {
    let payload = call.job.payload
    guard call.job.taskType == .llm else {
      throw ProviderFailure(.local, "does not serve \(call.job.taskType.rawValue)")
    }
    if let refusal = AnthropicRequest.refusal(of: payload) {
      throw ProviderFailure(.caller, refusal, reachedProvider: false)
    }
    let limits = StreamLimits(
      first: endpoint.firstTokenTimeout, idle: endpoint.idleTimeout, bytes: OpenAIRequest.streamLimit(payload),
      wholeBytes: OpenAIRequest.textLimit)
    let answer = try await http.stream(
      endpoint.baseURL + "/v1/messages",
      headers: endpoint.headers(for: call, keyAs: "x-api-key") + [("anthropic-version", Self.version)],
      json: AnthropicRequest.body(model: call.model, payload: payload), limits: limits, reader: AnthropicStream()
    ).get()
    switch answer {
    case .streamed(let message):
      let output = try await artifacts.output(text: message.text, of: call, usage: message.usage)
      return ProviderReply(
        output: output, usage: message.usage, modelVersion: OpenAIWire.version(message.model, of: call))
    case .whole(let reply):
      guard !(200..<300).contains(reply.status) else { throw ProviderFailure(.malformed, "answered without a stream") }
      throw AnthropicFault.failure(of: reply, now: RemoteEndpoint.now())
    }
  }
}
