import AsyncHTTPClient
import Catalog
import Contracts
import Foundation

/// What is said to a serving process on its socket: the OpenAI-compatible API, and what only local servers have.
/// Without deadlines of its own.
struct LocalWire: Sendable {
  private let http: ProviderHTTP
  private let baseURL: String
  private let artifacts: ArtifactStore
  private let definition: ProviderDefinition

  init(socket: String, _ definition: ProviderDefinition, http: ProviderHTTP, artifacts: ArtifactStore) {
    guard let url = URL(httpURLWithSocketPath: socket, uri: "/v1") else {
      fatalError("Bug: a socket path that makes no URL")
    }
    self.http = http
    self.artifacts = artifacts
    self.definition = definition
    baseURL = url.absoluteString
  }

  /// Nil unless it answers with status 200.
  func models() async -> ServedModels? {
    switch await http.get(baseURL + "/models", limit: OpenAIRequest.textLimit) {
    case .success(let reply): reply.status == 200 ? ServedModels(reply.body) : nil
    case .failure: nil
    }
  }

  func call(_ call: ProviderCall) async -> ProviderAnswer { await common.call(call) }

  func embed(_ batch: EmbeddingBatch) async -> Result<[ProviderAnswer], ProviderFailure> { await common.embed(batch) }

  /// An answer for each call, in order; nil for those that need a call of their own.
  func speak(_ batch: SpeechBatch) async -> Result<[ProviderAnswer?], ProviderFailure> {
    do throws(ProviderFailure) {
      let now = RemoteEndpoint.now()
      let reply = try await http.post(
        baseURL + SpeechBatch.path, headers: [("Idempotency-Key", batch.calls[0].idempotencyKey)], json: batch.body,
        limit: OpenAIRequest.mediaLimit, idle: definition.idleTimeout
      ).get()
      guard reply.status == 200 else {
        throw OpenAIFault.failure(status: reply.status, body: reply.body, retryAfter: nil, now: now)
      }
      var answers: [ProviderAnswer?] = []
      for (call, item) in zip(batch.calls, try batch.items(in: reply.body, now: now)) {
        answers.append(await answer(to: call, item))
      }
      return .success(answers)
    } catch {
      return .failure(error)
    }
  }

  private func answer(to call: ProviderCall, _ item: SpeechBatch.Item) async -> ProviderAnswer? {
    switch item {
    case .alone: return nil
    case .failure(let failure): return .failure(failure)
    case .audio(let bytes):
      guard let audio = WAVFile(bytes) else {
        return .failure(ProviderFailure(.malformed, "answered with audio that is no WAV file"))
      }
      let usage = SpeechUsage.measured(text: call.job.payload["text"]?.string ?? "", audio: audio)
      do {
        let artifact = try await artifacts.write(audio.repaired(bytes), attemptID: call.attemptID, type: .wav)
        return .success(ProviderReply(output: artifact.output, usage: usage))
      } catch {
        return .failure(error.failure(usage: usage))
      }
    }
  }

  private var common: OpenAIWire {
    OpenAIWire(
      http: http, baseURL: baseURL, key: nil, artifacts: artifacts, defaultVoice: nil,
      firstTokenTimeout: definition.firstTokenTimeout, idleTimeout: definition.idleTimeout)
  }
}
