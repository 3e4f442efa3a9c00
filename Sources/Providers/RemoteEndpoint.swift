import Catalog
import Contracts
import Foundation

/// What providers on the network have in common: an address, a key that is read when the value is made, and a limit on
/// each call. Immutable; safe to use from anywhere.
struct RemoteEndpoint: Sendable {
  /// Without a slash at the end.
  let baseURL: String
  let key: APIKey?
  /// From sending to the first piece of a streamed answer, and between two pieces of any.
  let firstTokenTimeout: Duration
  let idleTimeout: Duration
  private let definition: ProviderDefinition
  /// Set when the definition names a key that is not there: every call then says so.
  private let missingKey: String?

  init(_ definition: ProviderDefinition, defaultBaseURL: String, environment: [String: String]) {
    self.definition = definition
    firstTokenTimeout = definition.firstTokenTimeout
    idleTimeout = definition.idleTimeout
    switch APIKey.lookUp(definition, environment: environment) {
    case .found(let found):
      key = found
      missingKey = nil
    case .notNeeded:
      key = nil
      missingKey = nil
    case .missing(let reason):
      key = nil
      missingKey = reason
    }
    var address = definition.baseURL ?? defaultBaseURL
    while address.hasSuffix("/") { address.removeLast() }
    baseURL = address
  }

  /// Lets `work` answer until the deadline of the call or the timeout of the provider, whichever is first.
  func answer(
    _ call: ProviderCall, _ work: @escaping @Sendable () async -> ProviderAnswer
  ) async -> ProviderAnswer {
    await answer(by: call.deadline, call.job.taskType, work)
  }

  /// The same for work that throws its failure.
  func answer(
    _ call: ProviderCall, throwing work: @escaping @Sendable () async throws(ProviderFailure) -> ProviderReply
  ) async -> ProviderAnswer {
    await answer(call) {
      do throws(ProviderFailure) {
        return .success(try await work())
      } catch {
        return .failure(error)
      }
    }
  }

  /// The same for what answers several calls of a task.
  func answer<Reply: Sendable>(
    by deadline: ContinuousClock.Instant, _ task: TaskType,
    _ work: @escaping @Sendable () async -> Result<Reply, ProviderFailure>
  ) async -> Result<Reply, ProviderFailure> {
    if let missingKey { return .failure(ProviderFailure(.local, "no key: \(missingKey)")) }
    let late = ProviderFailure(.lost, "no complete answer before the deadline")
    return await AnswerDeadline.answer(by: min(deadline, .now + definition.timeout(of: task)), late: late, work)
  }

  /// `Idempotency-Key` and, where there is a key, the header that carries it.
  func headers(for call: ProviderCall, keyAs name: String) -> [(String, String)] {
    var headers = [("Idempotency-Key", call.idempotencyKey)]
    if let key { headers.append((name, name == "Authorization" ? key.authorization : key.headerValue)) }
    return headers
  }

  static func now() -> Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
}
