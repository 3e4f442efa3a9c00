import Confinement
package import Logging
import Synchronization

/// Redis for the rooms above: batches of commands or script calls, each batch one round trip over one connection, which
/// is opened by the first call and again by the first call after it was lost. Any thread may call; batches are executed
/// in the order of the calls. A caller that is cancelled stops waiting at once while its batch goes on to its end,
/// because a connection left in the middle of a batch would be of no use.
package final class RedisClient: Sendable {
  private struct State {
    var pending = 0
    var isClosed = false
    var identity: RedisServerIdentity?
    var drained: [CheckedContinuation<Void, Never>] = []
  }

  private let configuration: RedisConfiguration
  private let executor: ThreadExecutor
  private let connection: RedisConnection
  private let state = Mutex(State())

  /// Connects to nothing yet.
  package init(_ configuration: RedisConfiguration, logger: Logger) {
    self.configuration = configuration
    executor = ThreadExecutor(name: "redis")
    connection = RedisConnection(configuration, executor: executor, logger: logger)
  }

  /// The server of the last batch that succeeded; nil before the first and after one that failed.
  package var serverIdentity: RedisServerIdentity? { state.withLock(\.identity) }

  /// Proves with a PING that the server answers now, connecting if necessary.
  package func connect() async throws(RedisError) -> RedisServerIdentity {
    let replies = try await execute(.commands([RedisCommand("PING")]))
    if let error = replies.values.first?.serverError { throw error }
    return replies.identity
  }

  /// One round trip for all of them. A command the server refuses is an `.error` value in its place and does not stop
  /// the others; only a failure of the connection throws.
  package func pipeline(_ commands: [RedisCommand]) async throws(RedisError) -> [RedisValue] {
    if commands.isEmpty { return [] }
    return try await execute(.commands(commands)).values
  }

  /// A single command; an error reply throws.
  package func command(_ command: RedisCommand) async throws(RedisError) -> RedisValue {
    guard let value = try await execute(.commands([command])).values.first else { fatalError("Bug: reply missing") }
    if let error = value.serverError { throw error }
    return value
  }

  /// One round trip, and a second one for the calls of scripts that the server does not know. Errors as in `pipeline`.
  package func run(_ calls: [RedisScriptCall]) async throws(RedisError) -> RedisScriptReplies {
    let replies = try await execute(.calls(calls))
    return RedisScriptReplies(runID: replies.identity.runID, values: replies.values)
  }

  /// Refuses new calls, lets those already made end, then closes the connection and ends its thread. Idempotent; a
  /// second call does not wait. A client that is merely let go of does the same unseen.
  package func close() async {
    let wasClosed = state.withLock { state in
      defer { state.isClosed = true }
      return state.isClosed
    }
    if wasClosed { return }
    await withCheckedContinuation { continuation in
      let isDrained = state.withLock { state in
        if state.pending > 0 { state.drained.append(continuation) }
        return state.pending == 0
      }
      if isDrained { continuation.resume() }
    }
    await connection.close()
    await executor.shutdown()
  }

  private func execute(_ batch: RedisBatch) async throws(RedisError) -> RedisReplies {
    guard !Task.isCancelled else { throw RedisError(.cancelled, "cancelled before anything was sent", .retry) }
    try enter()
    let waiter = RedisWaiter<RedisReplies>()
    // On a task of its own, so that cancelling the caller does not reach it.
    Task.immediate {
      let outcome = await connection.execute(batch)
      leave(outcome)
      waiter.resolve(outcome)
    }
    let outcome = await withTaskCancellationHandler {
      await waiter.outcome()
    } onCancel: {
      waiter.resolve(
        .failure(RedisError(.cancelled, "the caller stopped waiting for redis", .retry, isOutcomeUnknown: true)))
    }
    return try outcome.get()
  }

  private func enter() throws(RedisError) {
    try state.withLock { (state) throws(RedisError) in
      guard !state.isClosed else { throw RedisError(.closed, "the redis client was closed", .permanent) }
      guard state.pending < configuration.queueLimit else {
        throw RedisError(.queueFull, "\(state.pending) batches wait for redis already", .retry)
      }
      state.pending += 1
    }
  }

  private func leave(_ outcome: Result<RedisReplies, RedisError>) {
    let drained = state.withLock { state in
      state.pending -= 1
      if case .success(let replies) = outcome { state.identity = replies.identity } else { state.identity = nil }
      guard state.pending == 0 else { return [] as [CheckedContinuation<Void, Never>] }
      defer { state.drained = [] }
      return state.drained
    }
    for continuation in drained { continuation.resume() }
  }
}
