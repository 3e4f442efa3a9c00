import Contracts
import Foundation
import NIOHTTP1

/// One call in the OpenAI-compatible HTTP API, from job to answer, without a deadline of its own. Used over TCP by
/// `OpenAIProvider` and over a Unix socket by `LocalProvider`. Wire shapes:
/// https://platform.openai.com/docs/api-reference.
struct OpenAIWire: Sendable {
  let http: ProviderHTTP
  /// Without a slash at the end: `https://api.openai.com/v1`.
  let baseURL: String
  let key: APIKey?
  let artifacts: ArtifactStore
  /// Of a speech job that names none; nil leaves it to the server.
  let defaultVoice: String?

  /// Longer outputs become artifacts; bytes of the text, or of the vectors' JSON.
  static let inlineLimit = 65_536

  func call(_ call: ProviderCall) async -> ProviderAnswer {
    let payload = call.job.payload
    do throws(ProviderFailure) {
      switch call.job.taskType {
      case .llm:
        let own = baseURL.hasPrefix("https://api.openai.com/")
        let request = OpenAIRequest.chat(model: call.model, payload: payload, namesCompletionTokens: own)
        return .success(try await chat(try await send(request, for: call), call))
      case .embedding:
        let request = OpenAIRequest.embeddings(model: call.model, payload: payload)
        return .success(try await embeddings(try await send(request, for: call), call))
      case .tts: return .success(try await speech(call))
      case .image:
        let request = OpenAIRequest.images(model: call.model, payload: payload)
        return .success(try await images(try await send(request, for: call), call))
      case .video, .echo:
        throw ProviderFailure(.local, "does not serve \(call.job.taskType.rawValue)")
      }
    } catch {
      return .failure(error)
    }
  }

  /// Vectors for several jobs from one call, which carries the id of the first of them.
  func embed(_ batch: EmbeddingBatch) async -> Result<[ProviderReply], ProviderFailure> {
    do throws(ProviderFailure) {
      let request = OpenAIRequest.embeddings(model: batch.first.model, input: batch.input)
      let reply = try await send(request, for: batch.first)
      let answer = try EmbeddingReply(reply.body, count: batch.inputs)
      let parts = batch.parts(of: OpenAIUsage.tokens(answer.usage), OpenAIUsage.cost(answer.usage))
      var replies: [ProviderReply] = []
      for (call, part) in zip(batch.calls, parts) {
        var output = EmbeddingReply.output(of: answer.vectors[part.range])
        if output.count > Self.inlineLimit { output = try await store(output, .json, call, usage: part.usage).output }
        replies.append(
          ProviderReply(
            output: output, usage: part.usage, statedCost: part.cost,
            modelVersion: Self.version(answer.model, of: call)))
      }
      return .success(replies)
    } catch {
      return .failure(error)
    }
  }

  /// Whether a server is up: `GET /models` answers 200.
  func isServing() async -> Bool {
    switch await http.get(baseURL + "/models", limit: OpenAIRequest.textLimit) {
    case .success(let reply): reply.status == 200
    case .failure: false
    }
  }

  private func send(
    _ request: OpenAIRequest, for call: ProviderCall
  ) async throws(ProviderFailure) -> ProviderHTTP.Reply {
    var headers = [("Idempotency-Key", call.attemptID)]
    if let key { headers.append(("Authorization", key.authorization)) }
    let reply = try await http.post(
      baseURL + request.path, headers: headers, json: request.body, limit: request.limit
    ).get()
    guard (200..<300).contains(reply.status) else {
      throw OpenAIFault.failure(
        status: reply.status, body: reply.body, retryAfter: reply.headers.first(name: "Retry-After"), now: Self.now())
    }
    return reply
  }

  private func chat(_ reply: ProviderHTTP.Reply, _ call: ProviderCall) async throws(ProviderFailure) -> ProviderReply {
    let root = try Self.document(reply.body)
    let usage = OpenAIUsage.tokens(root["usage"])
    let text = try ChatReply.text(in: root, usage: usage).get()
    let output: [UInt8]
    if text.utf8.count > Self.inlineLimit {
      output = try await store(Array(text.utf8), .text, call, usage: usage).output
    } else {
      var json = JSONWriter(capacity: text.utf8.count + 16)
      json.literal(#"{"text":"#)
      json.string(text)
      json.literal("}")
      output = json.bytes
    }
    return ProviderReply(
      output: output, usage: usage, statedCost: OpenAIUsage.cost(root["usage"]),
      modelVersion: Self.version(root["model"]?.string, of: call))
  }

  private func embeddings(
    _ reply: ProviderHTTP.Reply, _ call: ProviderCall
  ) async throws(ProviderFailure) -> ProviderReply {
    let input = call.job.payload["input"]
    let answer = try EmbeddingReply(reply.body, count: input?.isArray == true ? input?.elements.count ?? 0 : 1)
    let usage = OpenAIUsage.tokens(answer.usage)
    var output = answer.output
    if output.count > Self.inlineLimit { output = try await store(output, .json, call, usage: usage).output }
    return ProviderReply(
      output: output, usage: usage, statedCost: OpenAIUsage.cost(answer.usage),
      modelVersion: Self.version(answer.model, of: call))
  }

  private func speech(_ call: ProviderCall) async throws(ProviderFailure) -> ProviderReply {
    let payload = call.job.payload
    let format = payload["format"]?.string ?? "wav"
    guard let type = MediaType.speech(format: format) else {
      throw ProviderFailure(
        .caller, "format: must be wav, mp3, opus, aac, flac or pcm", reachedProvider: false)
    }
    let reply = try await send(
      OpenAIRequest.speech(model: call.model, payload: payload, format: format, defaultVoice: defaultVoice), for: call)
    let label = reply.headers.first(name: "Content-Type") ?? ""
    guard !reply.body.isEmpty, !label.hasPrefix("application/json"), !label.hasPrefix("text/") else {
      throw ProviderFailure(.malformed, "answered without audio")
    }
    let audio = type == .wav ? WAVFile(reply.body) : nil
    if type == .wav, audio == nil { throw ProviderFailure(.malformed, "answered with audio that is no WAV file") }
    let usage = SpeechUsage.measured(text: payload["text"]?.string ?? "", audio: audio)
    let artifact = try await store(audio?.repaired(reply.body) ?? reply.body, type, call, usage: usage)
    return ProviderReply(output: artifact.output, usage: usage)
  }

  /// Pictures come inside the answer. An address instead of one is not followed: whoever answers could name any host.
  private func images(
    _ reply: ProviderHTTP.Reply, _ call: ProviderCall
  ) async throws(ProviderFailure) -> ProviderReply {
    let root = try Self.document(reply.body)
    var usage = OpenAIUsage.imageTokens(root["usage"])
    let entries = (root["data"]?.elements ?? []).prefix(10)
    usage.append(Usage(.images, ExactDecimal(entries.count), .measured))
    guard !entries.isEmpty else { throw ProviderFailure(.malformed, "answered without pictures") }
    var artifacts: [Artifact] = []
    for (index, entry) in entries.enumerated() {
      guard let text = entry["b64_json"]?.string, let data = Data(base64Encoded: text),
        let type = MediaType.image(of: Array(data.prefix(16)))
      else { throw ProviderFailure(.malformed, "answered with something that is no picture", usage: usage) }
      artifacts.append(try await store(Array(data), type, call, part: index + 1, usage: usage))
    }
    return ProviderReply(
      output: artifacts.count == 1 ? artifacts[0].output : Artifact.output(artifacts), usage: usage,
      statedCost: OpenAIUsage.cost(root["usage"]))
  }

  private func store(
    _ bytes: [UInt8], _ type: MediaType, _ call: ProviderCall, part: Int = 1, usage: [Usage]
  ) async throws(ProviderFailure) -> Artifact {
    do {
      return try await artifacts.write(bytes, attemptID: call.attemptID, part: part, type: type)
    } catch {
      throw error.failure(usage: usage)
    }
  }

  private static func document(_ bytes: [UInt8]) throws(ProviderFailure) -> JSONValue {
    let root: JSONValue
    do {
      root = try JSONParser.parse(bytes).root
    } catch {
      throw ProviderFailure(.malformed, "answered with bad JSON")
    }
    if let failure = OpenAIFault.failure(inside: root, now: now()) { throw failure }
    return root
  }

  /// The dated snapshot that answered. Repeating the asked-for name says nothing; what is no name is not kept.
  private static func version(_ answered: String?, of call: ProviderCall) -> String? {
    guard let answered, answered != call.model, answered.utf8.count <= 128 else { return nil }
    return Identifier.isValid(answered.replacing("/", with: ".")) ? answered : nil
  }

  private static func now() -> Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
}
