import CHiredis
import Confinement
import Logging

/// The one connection of a client: an actor whose executor is one OS thread, which blocks in the C library for as long
/// as a batch takes; further batches wait in the actor's queue, in order. It connects when a batch needs it, and drops
/// the connection after any error, so that a reply is never taken for another command's. With sentinels, each new
/// connection goes to the server they name then, provided that it says itself that it is a primary; a demoted primary
/// closes its connections or answers READONLY, which drops them as well. An outage is logged once when it begins, and
/// once, with its duration, when a batch succeeds again. The thread blocks SIGPIPE, which the C library raises by
/// sending without MSG_NOSIGNAL.
actor RedisConnection {
  private struct Link {
    let context: RedisContext
    let address: RedisAddress
    let identity: RedisServerIdentity
    /// A batch was answered on it. A connection lost before that counts as a failed connect, else a server that
    /// accepts and then hangs up would be asked without pause.
    var isProven = false
  }

  private let executor: ThreadExecutor
  private let configuration: RedisConfiguration
  private let logger: Logger
  private var link: Link?
  private var backoff = ReconnectBackoff()
  private var nextConnect: ContinuousClock.Instant?
  private var lastFailure: RedisError?
  private var outageBegan: ContinuousClock.Instant?
  /// Index of the sentinel that was right last time, to be asked first.
  private var trustedSentinel = 0

  init(_ configuration: RedisConfiguration, executor: ThreadExecutor, logger: Logger) {
    self.configuration = configuration
    self.executor = executor
    self.logger = logger
  }

  deinit { executor.stop() }

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Never suspends: batches do not interleave.
  func execute(_ batch: RedisBatch) -> Result<RedisReplies, RedisError> {
    do throws(RedisError) {
      try respectBackoff()
    } catch {
      return .failure(error)
    }
    do throws(RedisError) {
      let link = try openLink()
      let values = try exchange(batch, over: link)
      if let refusal = values.lazy.compactMap(\.serverError).first(where: { $0.disposition == .reconnect }) {
        drop(because: refusal)
      } else {
        succeeded()
      }
      return .success(RedisReplies(identity: link.identity, values: values))
    } catch {
      drop(because: error)
      return .failure(error)
    }
  }

  func close() { link = nil }

  private func exchange(_ batch: RedisBatch, over link: Link) throws(RedisError) -> [RedisValue] {
    let deadline = ContinuousClock.now + configuration.commandDeadline
    let (context, runID) = (link.context, link.identity.runID)
    switch batch {
    case .commands(let commands):
      for command in commands { try context.append(command.arguments, runID: runID) }
      return try context.exchange(replies: commands.count, until: deadline)
    case .calls(let calls):
      for call in calls { try context.append(call.arguments, runID: runID) }
      var values = try context.exchange(replies: calls.count, until: deadline)
      let unknown = values.indices.filter { values[$0].isNoScript }
      guard !unknown.isEmpty else { return values }
      logger.debug("redis did not know a script", metadata: ["script": "\(calls[unknown[0]].script.name)"])
      do throws(RedisError) {
        for index in unknown {
          try context.append(calls[index].arguments, runID: runID, evaluating: calls[index].script.source)
        }
        for (index, value) in zip(unknown, try context.exchange(replies: unknown.count, until: deadline)) {
          values[index] = value
        }
        return values
      } catch {
        var error = error
        error.isOutcomeUnknown = true  // the other calls of the batch were executed and their replies are given up
        throw error
      }
    }
  }
}

// Coming and going of the connection.
extension RedisConnection {
  private func respectBackoff() throws(RedisError) {
    guard link == nil, let nextConnect, let lastFailure else { return }
    let left = ContinuousClock.now.duration(to: nextConnect)
    guard left > .zero else { return }
    var error = RedisError(
      .backingOff, "waiting to reconnect to redis; \(lastFailure.message)", lastFailure.disposition)
    error.retryAfter = left
    throw error
  }

  private func openLink() throws(RedisError) -> Link {
    if let link {
      if link.context.isQuiet { return link }
      self.link = nil  // a server that restarts or closes idle connections says so before anything was sent
      logger.debug("redis closed the idle connection")
    }
    let link =
      switch configuration.location {
      case .server(let address): try connect(to: address)
      case .sentinels(let sentinels): try connect(through: sentinels)
      }
    self.link = link
    logger.debug(
      "connected to redis",
      metadata: [
        "server": "\(configuration)", "address": "\(link.address)", "version": "\(link.identity.version)",
        "run_id": "\(link.identity.runID)",
      ])
    return link
  }

  private func connect(to address: RedisAddress) throws(RedisError) -> Link {
    let context = try RedisContext(
      address, connectTimeout: configuration.connectTimeout, ioTimeout: configuration.commandDeadline)
    return Link(context: context, address: address, identity: try greet(over: context))
  }

  /// Asks one sentinel after the other until one names a server that is a primary: the first to answer may be one that
  /// a failover has not reached. A server named twice is tried once.
  private func connect(through sentinels: RedisSentinels) throws(RedisError) -> Link {
    var tried: Set<RedisAddress> = []
    var sentinelFailure: RedisError?
    var primaryFailure: RedisError?
    for step in sentinels.addresses.indices {
      let index = (trustedSentinel + step) % sentinels.addresses.count
      let primary: RedisAddress
      do throws(RedisError) {
        primary = try sentinels.primary(
          accordingTo: sentinels.addresses[index], deadline: configuration.sentinelDeadline)
      } catch {
        // That one is switched off says less than what another one answered.
        if sentinelFailure?.disposition != .permanent { sentinelFailure = error }
        continue
      }
      guard tried.insert(primary).inserted else { continue }
      do throws(RedisError) {
        let link = try connect(to: primary)
        trustedSentinel = index
        return link
      } catch {
        primaryFailure = error
      }
    }
    guard let failure = primaryFailure ?? sentinelFailure else { fatalError("Bug: a URL without sentinels") }
    throw failure
  }

  /// AUTH, SELECT, CLIENT SETNAME, ROLE (behind sentinels) and INFO in one round trip. Nothing in it changes data, hence
  /// no outcome is unknown.
  private func greet(over context: RedisContext) throws(RedisError) -> RedisServerIdentity {
    do throws(RedisError) {
      let greeting = configuration.greeting
      for step in greeting { try context.append(step.command.arguments, runID: "") }
      let deadline = ContinuousClock.now + configuration.commandDeadline
      let values = try context.exchange(replies: greeting.count, until: deadline)
      for (step, value) in zip(greeting, values) {
        if let obstacle = step.obstacle(in: value) { throw obstacle }
        guard let error = value.serverError else { continue }
        logger.debug("redis refused an optional greeting", metadata: ["error": "\(error)"])
      }
      guard let text = values.last?.string, let identity = RedisServerIdentity(info: text) else {
        throw RedisError(.protocolViolation, "INFO of the server names no run_id or version", .permanent)
      }
      return identity
    } catch {
      throw error.code == .refused || error.disposition == .permanent
        ? error : RedisError(.unreachable, "redis did not complete the greeting: \(error.message)", .reconnect)
    }
  }

  private func succeeded() {
    link?.isProven = true
    backoff.reset()
    nextConnect = nil
    guard let link, let began = outageBegan else { return }
    outageBegan = nil
    logger.notice(
      "redis is back",
      metadata: [
        "server": "\(configuration)", "address": "\(link.address)", "outage": "\(began.duration(to: .now))",
      ])
  }

  private func drop(because error: RedisError) {
    let wasProven = link?.isProven ?? false
    link = nil
    lastFailure = error
    nextConnect = wasProven ? nil : .now + backoff.next(spread: .random(in: 0...1))
    guard outageBegan == nil else { return }
    outageBegan = .now
    logger.error("redis failed", metadata: ["server": "\(configuration)", "error": "\(error)"])
  }
}

extension RedisValue {
  fileprivate var isNoScript: Bool {
    if case .error(let text) = self { text.hasPrefix("NOSCRIPT") } else { false }
  }
}
