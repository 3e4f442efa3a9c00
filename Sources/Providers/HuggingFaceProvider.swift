import Catalog
import Contracts
import NIOHTTP1

/// Models that Hugging Face serves: chat through its OpenAI-compatible router, vectors, pictures and speech by the
/// model's own task at `hf-inference`. Speech has the voice, the speed and the format that the model has. Immutable;
/// safe to use from anywhere.
package struct HuggingFaceProvider: Provider {
  package let name: String
  private let endpoint: RemoteEndpoint
  private let chat: OpenAIWire
  private let http: ProviderHTTP
  private let artifacts: ArtifactStore

  /// Above `/v1` and `/hf-inference`.
  static let defaultBaseURL = "https://router.huggingface.co"

  init(
    _ definition: ProviderDefinition, http: ProviderHTTP, artifacts: ArtifactStore, environment: [String: String]
  ) {
    name = definition.name
    endpoint = RemoteEndpoint(definition, defaultBaseURL: Self.defaultBaseURL, environment: environment)
    chat = OpenAIWire(
      http: http, baseURL: endpoint.baseURL + "/v1", key: endpoint.key, artifacts: artifacts, defaultVoice: nil,
      firstTokenTimeout: endpoint.firstTokenTimeout, idleTimeout: endpoint.idleTimeout)
    self.http = http
    self.artifacts = artifacts
  }

  package func call(_ call: ProviderCall) async -> ProviderAnswer {
    await endpoint.answer(call) {
      do throws(ProviderFailure) {
        switch call.job.taskType {
        case .llm: return await chat.call(call)
        case .embedding: return .success(try await embed(call))
        case .image: return .success(try await draw(call))
        case .tts: return .success(try await speak(call))
        case .video, .echo: throw ProviderFailure(.local, "does not serve \(call.job.taskType.rawValue)")
        }
      } catch {
        return .failure(error)
      }
    }
  }

  package func shutdown() async {}

  /// - Parameter isPurchase: see `ProviderFailure.ofPurchase`.
  private func send(
    _ request: HuggingFaceRequest, for call: ProviderCall, isPurchase: Bool = false
  ) async throws(ProviderFailure) -> ProviderHTTP.Reply {
    guard HuggingFaceRequest.isRepository(call.model) else {
      throw ProviderFailure(.local, "the model is not named as a repository, owner/name")
    }
    let answer = await http.post(
      endpoint.baseURL + "/hf-inference" + request.path, headers: endpoint.headers(for: call, keyAs: "Authorization"),
      json: request.body, limit: OpenAIRequest.mediaLimit, idle: endpoint.idleTimeout)
    let reply = try answer.mapError { isPurchase ? $0.ofPurchase : $0 }.get()
    guard (200..<300).contains(reply.status) else {
      throw HuggingFaceFault.failure(of: reply, now: RemoteEndpoint.now())
    }
    return reply
  }

  private func embed(_ call: ProviderCall) async throws(ProviderFailure) -> ProviderReply {
    let input = call.job.payload["input"]
    let reply = try await send(.embeddings(model: call.model, payload: call.job.payload), for: call)
    let answer = try EmbeddingReply(
      bare: reply.body, count: input?.isArray == true ? input?.elements.count ?? 0 : 1)
    let usage = Self.tokens(reply.headers)
    var output = answer.output
    if output.count > OpenAIWire.inlineLimit {
      output = try await artifacts.store(output, .json, of: call, usage: usage).output
    }
    return ProviderReply(output: output, usage: usage)
  }

  /// The servers for embeddings count tokens in a header; where it is missing nothing is stated.
  static func tokens(_ headers: HTTPHeaders) -> [Usage] {
    guard let text = headers.first(name: "x-compute-tokens"), let count = Int(text), (1...1_000_000_000).contains(count)
    else { return [] }
    return [Usage(.inputTokens, ExactDecimal(count), .provider)]
  }

  private func draw(_ call: ProviderCall) async throws(ProviderFailure) -> ProviderReply {
    let reply = try await send(.image(model: call.model, payload: call.job.payload), for: call, isPurchase: true)
    guard let type = MediaType.image(of: reply.body) else {
      throw ProviderFailure(.malformed, "answered with something that is no picture").ofPurchase
    }
    let usage = [Usage(.images, ExactDecimal(1), .measured)]
    return ProviderReply(
      output: try await artifacts.store(reply.body, type, of: call, usage: usage).output, usage: usage)
  }

  private func speak(_ call: ProviderCall) async throws(ProviderFailure) -> ProviderReply {
    let payload = call.job.payload
    let reply = try await send(.speech(model: call.model, payload: payload), for: call)
    guard let type = MediaType.audio(of: reply.body) else {
      throw ProviderFailure(.malformed, "answered with something that is no audio")
    }
    let audio = type == .wav ? WAVFile(reply.body) : nil
    let usage = SpeechUsage.measured(text: payload["text"]?.string ?? "", audio: audio)
    if let format = payload["format"]?.string, MediaType.speech(format: format) != type {
      throw ProviderFailure(.malformed, "answered with audio of another format", usage: usage)
    }
    let bytes = audio?.repaired(reply.body) ?? reply.body
    return ProviderReply(output: try await artifacts.store(bytes, type, of: call, usage: usage).output, usage: usage)
  }
}
