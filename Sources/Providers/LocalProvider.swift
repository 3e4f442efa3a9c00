import AsyncHTTPClient
import Catalog
import Contracts
import Foundation
import Logging

/// Models on this machine: a supervised serving process that speaks the OpenAI-compatible API on a Unix socket (the
/// shipped piper server, vLLM, llama.cpp, ...). Calls wait while it starts, and fail at once while it rests after a
/// crash, so that the next provider takes over. One process is shared by all users.
///
/// The process gets `TOLLWAY_SOCKET`, `TOLLWAY_MODELS`, `PATH`, `HOME` and `LANG`, and should end when its standard
/// input does; see `ServingProcess`.
package struct LocalProvider: Provider {
  package let name: String
  private let timeout: Duration
  private let process: ServingProcess
  private let http: ProviderHTTP
  private let artifacts: ArtifactStore

  /// - Parameters:
  ///   - models: names of the models it is to serve.
  ///   - patience: how long it may take to answer `GET /v1/models` after its start.
  init(
    _ definition: ProviderDefinition, models: [String], http: ProviderHTTP, artifacts: ArtifactStore,
    environment: [String: String], patience: Duration = .seconds(30), logger: Logger
  ) {
    name = definition.name
    timeout = definition.timeout
    self.http = http
    self.artifacts = artifacts
    var inherited = SpawnedProcess.minimalEnvironment(from: environment)
    inherited["TOLLWAY_MODELS"] = models.joined(separator: ",")
    var logger = logger
    logger[metadataKey: LogKey.provider] = "\(definition.name)"
    process = ServingProcess(
      command: definition.command, environment: inherited, patience: patience, logger: logger
    ) { socket in
      await Self.wire(to: socket, http, artifacts).isServing()
    }
  }

  package func call(_ call: ProviderCall) async -> ProviderAnswer {
    let deadline = min(call.deadline, .now + timeout)
    while true {
      switch await process.readiness() {
      case .ready(let socket):
        let late = ProviderFailure(.lost, "no complete answer before the deadline")
        let answer = await AnswerDeadline.answer(by: deadline, late: late) {
          await Self.wire(to: socket, http, artifacts).call(call)
        }
        // Not even connected: it is overrun for a moment, or about to be known as ended.
        guard case .failure(let failure) = answer, failure.kind == .unreachable else { return answer }
      case .unavailable(let reason, let isStartable):
        return .failure(ProviderFailure(isStartable ? .unreachable : .local, reason))
      case .starting: break
      }
      guard ContinuousClock.now < deadline else {
        return .failure(ProviderFailure(.unreachable, "the serving process takes no call yet"))
      }
      do {
        try await Task.sleep(for: .milliseconds(20))
      } catch {
        return .failure(
          ProviderFailure(.cancelled, "cancelled before the serving process took the call", reachedProvider: false))
      }
    }
  }

  package func shutdown() async { await process.shutdown() }

  private static func wire(to socket: String, _ http: ProviderHTTP, _ artifacts: ArtifactStore) -> OpenAIWire {
    guard let url = URL(httpURLWithSocketPath: socket, uri: "/v1") else {
      fatalError("Bug: a socket path that makes no URL")
    }
    return OpenAIWire(http: http, baseURL: url.absoluteString, key: nil, artifacts: artifacts, defaultVoice: nil)
  }
}
