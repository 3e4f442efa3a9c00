import Catalog
import Contracts
import NIOHTTP1

/// Speech by ElevenLabs. What it charged is stated in credits by the header `character-cost`, and counts at the list
/// price of a credit; characters and seconds are measured. The key goes only into the `xi-api-key` header. Immutable;
/// safe to use from anywhere.
package struct ElevenLabsProvider: Provider {
  package let name: String
  private let endpoint: RemoteEndpoint
  private let http: ProviderHTTP
  private let artifacts: ArtifactStore

  static let defaultBaseURL = "https://api.elevenlabs.io"
  /// Of one credit, 0.0001 USD.
  static let nanoUSDPerCredit: Int64 = 100_000

  init(
    _ definition: ProviderDefinition, http: ProviderHTTP, artifacts: ArtifactStore, environment: [String: String]
  ) {
    name = definition.name
    endpoint = RemoteEndpoint(definition, defaultBaseURL: Self.defaultBaseURL, environment: environment)
    self.http = http
    self.artifacts = artifacts
  }

  package func call(_ call: ProviderCall) async -> ProviderAnswer {
    await endpoint.answer(call, throwing: { () async throws(ProviderFailure) in try await speak(call) })
  }

  package func shutdown() async {}

  private func speak(_ call: ProviderCall) async throws(ProviderFailure) -> ProviderReply {
    let payload = call.job.payload
    guard call.job.taskType == .tts else {
      throw ProviderFailure(.local, "does not serve \(call.job.taskType.rawValue)")
    }
    guard let request = ElevenLabsRequest(model: call.model, payload: payload) else {
      throw ProviderFailure(
        .caller, "format: must be \(ElevenLabsRequest.formats.joined(separator: ", "))", reachedProvider: false)
    }
    let reply = try await http.post(
      endpoint.baseURL + request.path, headers: endpoint.headers(for: call, keyAs: "xi-api-key"), json: request.body,
      limit: OpenAIRequest.mediaLimit, idle: endpoint.idleTimeout
    ).get()
    guard (200..<300).contains(reply.status) else {
      throw ElevenLabsFault.failure(of: reply, now: RemoteEndpoint.now())
    }
    guard !reply.body.isEmpty, reply.headers.first(name: "Content-Type")?.hasPrefix("audio/") ?? false else {
      throw ProviderFailure(.malformed, "answered without audio")
    }
    let bytes =
      request.type == .wav ? WAVFile.file(ofPCM: reply.body, rate: ElevenLabsRequest.sampleRate) : reply.body
    let usage = SpeechUsage.measured(
      text: payload["text"]?.string ?? "", audio: request.type == .wav ? WAVFile(bytes) : nil)
    let artifact = try await artifacts.store(bytes, request.type, of: call, usage: usage)
    return ProviderReply(output: artifact.output, usage: usage, statedCost: Self.cost(reply.headers))
  }

  /// Nil where the header is missing or makes no sense: then the price book speaks.
  static func cost(_ headers: HTTPHeaders) -> Money? {
    guard let text = headers.first(name: "character-cost"), let credits = Int64(text),
      (0...1_000_000_000).contains(credits)
    else { return nil }
    return Money(nanoUSD: credits * nanoUSDPerCredit)
  }
}
