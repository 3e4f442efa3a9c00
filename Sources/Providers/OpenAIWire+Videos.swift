import Contracts

/// Films are made in the background: begun by one call, asked for by others, fetched by a last one. What was begun is
/// paid, so its id is written down before anything else, and from then on nothing is taken for a reason to begin again
/// elsewhere but the provider's word that there will be no film.
extension OpenAIWire {
  func video(_ call: ProviderCall) async throws(ProviderFailure) -> ProviderReply {
    var task: VideoTask
    if let id = call.remoteTask {
      guard VideoTask.isAddressable(id) else { throw ProviderFailure(.local, "the id of the task is none") }
      task = try await state(of: id, call, isOurs: false)
    } else {
      task = try await begin(call)
      _ = await call.noteRemoteTask(task.id)
      if task.state == .running { task = try await state(of: task.id, call, isOurs: true) }
    }
    switch task.state {
    case .failed, .running: throw ProviderFailure(.server, "the video failed")
    case .refused: throw ProviderFailure(.contentRefused, "the video was refused")
    case .completed: break
    }
    let usage = task.usage.isEmpty ? Self.askedSeconds(call) : task.usage
    let film = try await film(of: task.id, call, usage: usage)
    let artifact = try await artifacts.store(film.bytes, film.type, of: call, usage: usage)
    return ProviderReply(output: artifact.output, usage: usage, modelVersion: Self.version(task.model, of: call))
  }

  private func begin(_ call: ProviderCall) async throws(ProviderFailure) -> VideoTask {
    guard let request = OpenAIRequest.videos(model: call.model, payload: call.job.payload) else {
      throw ProviderFailure(.caller, "prompt: must say what to show", reachedProvider: false)
    }
    let reply: ProviderHTTP.Reply
    do {
      reply = try await send(request, for: call)
    } catch {
      // An answer that cannot be read may be that of a film that was begun.
      guard error.kind == .malformed else { throw error }
      throw ProviderFailure(.lost, "\(error.detail), so that the video is out of reach")
    }
    if let task = VideoTask(reply.body) { return task }
    _ = try Self.readable(reply.body)
    throw ProviderFailure(.lost, "began a video without saying which")
  }

  /// An error under status 200 is one.
  private static func readable(_ body: [UInt8]) throws(ProviderFailure) -> JSONValue? {
    do {
      return try document(body)
    } catch {
      if error.kind == .malformed { return nil }
      throw error
    }
  }

  /// - Parameter isOurs: begun a moment ago, by this call: a server that does not know it yet soon will.
  private func state(of id: String, _ call: ProviderCall, isOurs: Bool) async throws(ProviderFailure) -> VideoTask {
    try await insist(on: "/videos/\(id)", limit: OpenAIRequest.textLimit, waitFirst: isOurs, mayBeGone: !isOurs) {
      guard let task = VideoTask($0.body) else { return .unreadable }
      return task.state == .running ? .notYet : .found(task)
    }
  }

  private func film(
    of id: String, _ call: ProviderCall, usage: [Usage]
  ) async throws(ProviderFailure) -> (bytes: [UInt8], type: MediaType) {
    do throws(ProviderFailure) {
      return try await insist(
        on: "/videos/\(id)/content", limit: OpenAIRequest.mediaLimit, waitFirst: false, mayBeGone: false
      ) { reply in
        guard let type = MediaType.video(of: reply.body) else { return .unreadable }
        return .found((reply.body, type))
      }
    } catch {
      var failure = error
      failure.usage = usage
      throw failure
    }
  }

  private enum Finding<Value> {
    case found(Value)
    case notYet
    case unreadable
  }

  /// Asks until there is an answer: what passes, as an overload or a reset, is no reason to give up what is paid. The
  /// deadline of the call ends it.
  private func insist<Value>(
    on path: String, limit: Int, waitFirst: Bool, mayBeGone: Bool,
    _ read: (ProviderHTTP.Reply) -> Finding<Value>
  ) async throws(ProviderFailure) -> Value {
    var count = 0
    var unreadable = 0
    var asked: Duration?
    while true {
      if waitFirst || count > 0 { try await rest(pace.pause(before: max(0, count - 1), asked: asked)) }
      count += 1
      asked = nil
      switch await http.get(baseURL + path, headers: authorization, limit: limit, idle: idleTimeout) {
      case .success(let reply) where (200..<300).contains(reply.status):
        switch read(reply) {
        case .found(let value): return value
        case .notYet: unreadable = 0
        case .unreadable: unreadable += 1
        }
      case .success(let reply):
        let fault = OpenAIFault.failure(of: reply, now: RemoteEndpoint.now())
        asked = fault.retryAfter
        switch fault.kind {
        case .server, .rateLimited, .lost: break
        case .notFound where mayBeGone: throw ProviderFailure(.lost, "the video is gone (\(reply.status))")
        case .notFound: break
        default: throw ProviderFailure(.lost, "the video was begun, but cannot be asked for (\(reply.status))")
        }
      case .failure(let failure) where failure.kind == .cancelled: throw failure
      case .failure(let failure): unreadable += failure.kind == .malformed ? 1 : 0
      }
      guard unreadable < 3 else { throw ProviderFailure(.lost, "the video was begun, but its answers are unreadable") }
    }
  }

  private func rest(_ duration: Duration) async throws(ProviderFailure) {
    do {
      try await Task.sleep(for: duration)
    } catch {
      throw ProviderFailure(.cancelled, "cancelled while the video was made")
    }
  }

  /// For servers that do not say how long the film is.
  private static func askedSeconds(_ call: ProviderCall) -> [Usage] {
    guard let seconds = call.job.payload["seconds"]?.decimal, seconds.mantissa > 0 else { return [] }
    return [Usage(.videoSeconds, seconds, .estimate)]
  }
}
