import Contracts
import Foundation

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
  /// Of a streamed answer: to its first content, and between two parts. `idle` bounds the silence within every answer.
  var firstTokenTimeout: Duration = .seconds(15)
  var idleTimeout: Duration = .seconds(10)
  var pace = PollPace()

  /// Longer outputs become artifacts; bytes of the text, or of the vectors' JSON.
  static let inlineLimit = 65_536

  func call(_ call: ProviderCall) async -> ProviderAnswer {
    do throws(ProviderFailure) {
      switch call.job.taskType {
      case .llm: return .success(try await chat(call))
      case .embedding: return .success(try await embeddings(call))
      case .tts: return .success(try await speech(call))
      case .image: return .success(try await images(call))
      case .video: return .success(try await video(call))
      case .echo: throw ProviderFailure(.local, "does not serve \(call.job.taskType.rawValue)")
      }
    } catch {
      return .failure(error)
    }
  }

  /// Vectors for several jobs from one call, which carries the key of the first of them. What cannot be stored fails
  /// its own job only.
  func embed(_ batch: EmbeddingBatch) async -> Result<[ProviderAnswer], ProviderFailure> {
    do throws(ProviderFailure) {
      let request = OpenAIRequest.embeddings(model: batch.first.model, input: batch.input)
      let reply = try await send(request, for: batch.first)
      let answer = try EmbeddingReply(reply.body, count: batch.inputs)
      let parts = batch.parts(of: OpenAIUsage.tokens(answer.usage), OpenAIUsage.cost(answer.usage))
      var answers: [ProviderAnswer] = []
      for (call, part) in zip(batch.calls, parts) { answers.append(await self.answer(to: call, part, of: answer)) }
      return .success(answers)
    } catch {
      return .failure(error)
    }
  }

  private func answer(
    to call: ProviderCall, _ part: EmbeddingBatch.Part, of answer: EmbeddingReply
  ) async -> ProviderAnswer {
    do throws(ProviderFailure) {
      var output = EmbeddingReply.output(of: answer.vectors[part.range])
      if output.count > Self.inlineLimit {
        output = try await artifacts.store(output, .json, of: call, usage: part.usage).output
      }
      return .success(
        ProviderReply(
          output: output, usage: part.usage, statedCost: part.cost,
          modelVersion: Self.version(answer.model, of: call)))
    } catch {
      return .failure(error)
    }
  }

  /// The key, where there is one.
  var authorization: [(String, String)] { key.map { [("Authorization", $0.authorization)] } ?? [] }

  /// A success in one document; anything else is thrown as what it means.
  /// - Parameter isPurchase: see `ProviderFailure.ofPurchase`.
  func send(
    _ request: OpenAIRequest, for call: ProviderCall, isPurchase: Bool = false
  ) async throws(ProviderFailure) -> ProviderHTTP.Reply {
    let answer = await http.post(
      baseURL + request.path, headers: [("Idempotency-Key", call.idempotencyKey)] + authorization, json: request.body,
      limit: request.limit, idle: idleTimeout)
    return try Self.accepted(answer.mapError { isPurchase ? $0.ofPurchase : $0 }.get())
  }

  /// A success, streamed or, from servers that do not stream, in one document.
  /// - Parameter bytes: of a stream; a document has the request's limit.
  func stream<Reader: StreamReader>(
    _ request: OpenAIRequest, for call: ProviderCall, bytes: Int, reader: Reader
  ) async throws(ProviderFailure) -> StreamedAnswer<Reader.Value> {
    let limits = StreamLimits(
      first: firstTokenTimeout, idle: idleTimeout, bytes: bytes, wholeBytes: request.limit)
    let answer = try await http.stream(
      baseURL + request.path, headers: [("Idempotency-Key", call.idempotencyKey)] + authorization, json: request.body,
      limits: limits, reader: reader
    ).get()
    if case .whole(let reply) = answer { return .whole(try Self.accepted(reply)) }
    return answer
  }

  private static func accepted(_ reply: ProviderHTTP.Reply) throws(ProviderFailure) -> ProviderHTTP.Reply {
    guard (200..<300).contains(reply.status) else { throw OpenAIFault.failure(of: reply, now: RemoteEndpoint.now()) }
    return reply
  }

  private func chat(_ call: ProviderCall) async throws(ProviderFailure) -> ProviderReply {
    let payload = call.job.payload
    let own = baseURL.hasPrefix("https://api.openai.com/")
    let request = OpenAIRequest.chat(model: call.model, payload: payload, namesCompletionTokens: own)
    let answer: ChatReply
    switch try await stream(request, for: call, bytes: OpenAIRequest.streamLimit(payload), reader: ChatStream()) {
    case .streamed(let reply): answer = reply
    case .whole(let reply): answer = try ChatReply(Self.document(reply.body))
    }
    return ProviderReply(
      output: try await artifacts.output(text: answer.text, of: call, usage: answer.usage), usage: answer.usage,
      statedCost: answer.statedCost, modelVersion: Self.version(answer.model, of: call))
  }

  private func embeddings(_ call: ProviderCall) async throws(ProviderFailure) -> ProviderReply {
    let reply = try await send(OpenAIRequest.embeddings(model: call.model, payload: call.job.payload), for: call)
    let input = call.job.payload["input"]
    let answer = try EmbeddingReply(reply.body, count: input?.isArray == true ? input?.elements.count ?? 0 : 1)
    let usage = OpenAIUsage.tokens(answer.usage)
    var output = answer.output
    if output.count > Self.inlineLimit {
      output = try await artifacts.store(output, .json, of: call, usage: usage).output
    }
    return ProviderReply(
      output: output, usage: usage, statedCost: OpenAIUsage.cost(answer.usage),
      modelVersion: Self.version(answer.model, of: call))
  }

  static func document(_ bytes: [UInt8]) throws(ProviderFailure) -> JSONValue {
    let root: JSONValue
    do {
      root = try JSONParser.parse(bytes).root
    } catch {
      throw ProviderFailure(.malformed, "answered with bad JSON")
    }
    if let failure = OpenAIFault.failure(inside: root) { throw failure }
    return root
  }

  /// The dated snapshot that answered. Repeating the asked-for name says nothing; what is no name is not kept.
  static func version(_ answered: String?, of call: ProviderCall) -> String? {
    guard let answered, answered != call.model, answered.utf8.count <= 128 else { return nil }
    return Identifier.isValid(answered.replacing("/", with: ".")) ? answered : nil
  }

}
