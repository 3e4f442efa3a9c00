import Confinement
import Logging

/// The one connection of a client: an actor whose executor is one OS thread, which waits for the server for as long as
/// a transaction takes; further ones wait in the actor's queue, in order. It connects when a transaction needs it, and
/// drops the connection after any error that leaves doubt about it. A server that accepts and then says nothing costs one
/// of them its time: whoever waits behind it, or comes within two seconds, gets the same answer at once. An outage is
/// logged once when it begins, and once, with its duration, when a transaction succeeds again.
actor PostgresConnection {
  private let executor: ThreadExecutor
  private let configuration: PostgresConfiguration
  private let logger: Logger
  private var link: PostgresLink?
  private var outageBegan: ContinuousClock.Instant?
  /// A server that let somebody wait in vain for a beginning, and until when further calls are not tried.
  private var silence: (error: PostgresError, until: ContinuousClock.Instant)?

  /// Longer than it takes to answer everybody who waited meanwhile.
  private static let rest = Duration.seconds(2)

  init(_ configuration: PostgresConfiguration, executor: ThreadExecutor, logger: Logger) {
    self.configuration = configuration
    self.executor = executor
    self.logger = logger
  }

  deinit { executor.stop() }

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Never suspends: transactions do not interleave.
  func transact<Value: Sendable>(
    _ kind: PostgresTransaction, _ sign: CancelSign, _ body: @Sendable (PostgresSession) throws -> Value
  ) throws -> Value {
    do {
      let link = try begin(kind, sign)
      let value = try body(PostgresSession(link: link))
      try commit(link)
      succeeded()
      return value
    } catch {
      recover(from: error)
      throw error
    }
  }

  func close() { link = nil }

  private func begin(_ kind: PostgresTransaction, _ sign: CancelSign) throws(PostgresError) -> PostgresLink {
    if let silence, silence.until > .now { throw silence.error }
    silence = nil
    let start = ContinuousClock.now
    do throws(PostgresError) {
      return try beginNow(kind, sign)
    } catch {
      // What fails at once may be tried again at once.
      if error.code != .cancelled, start.duration(to: .now) >= configuration.connectTimeout {
        silence = (error, .now + Self.rest)
      }
      throw error
    }
  }

  private func beginNow(_ kind: PostgresTransaction, _ sign: CancelSign) throws(PostgresError) -> PostgresLink {
    if let link {
      do throws(PostgresError) {
        try begin(kind, sign, on: link)
        return link
      } catch {
        // A server that was restarted meanwhile is found out here, before anything was done.
        guard error.code == .connectionLost else { throw error }
        self.link = nil
        logger.debug("the idle connection to postgres was gone")
      }
    }
    let link = try connect(sign)
    self.link = link
    try begin(kind, sign, on: link)
    return link
  }

  private func begin(_ kind: PostgresTransaction, _ sign: CancelSign, on link: PostgresLink) throws(PostgresError) {
    link.sign = sign
    try link.checkCancellation()
    // A beginning waits for no lock: it takes as long as the way there and back.
    link.patience = configuration.connectTimeout
    try link.run(script: kind.opening)
    link.patience = kind == .unhurried ? nil : configuration.statementTimeout + configuration.allowance
  }

  /// A cancellation that comes now comes too late.
  private func commit(_ link: PostgresLink) throws(PostgresError) {
    try link.checkCancellation()
    link.sign = nil
    do throws(PostgresError) {
      // A transaction in which something failed is answered with ROLLBACK, and that is no error to the server.
      guard try link.run(script: "COMMIT") == "COMMIT" else {
        throw PostgresError(.misuse, "a statement had failed, nothing was committed")
      }
    } catch {
      var error = error
      error.isOutcomeUnknown = error.disposition == .reconnect
      throw error
    }
  }

  /// Rolls back where that is possible, and drops the connection where it is not.
  private func recover(from error: any Error) {
    if let failure = error as? PostgresError, failure.disposition == .reconnect { began(failure) }
    guard let link else { return }
    self.link = nil
    let isKnown = (error as? PostgresError).map { $0.disposition != .reconnect && $0.code != .cancelled } ?? true
    guard isKnown, link.isInStep else { return }
    link.sign = nil
    link.patience = configuration.allowance
    do throws(PostgresError) {
      try link.run(script: "ROLLBACK")
      if link.isIdle { self.link = link }
    } catch {
      logger.debug("a transaction was not rolled back, the connection is dropped", metadata: ["error": "\(error)"])
    }
  }

  // MARK: coming and going of the connection

  /// One host after the other; if none will do, the first failure is told.
  private func connect(_ sign: CancelSign) throws(PostgresError) -> PostgresLink {
    var failure: PostgresError?
    for options in configuration.attempts {
      do throws(PostgresError) {
        let link = try PostgresLink(options, until: .now + configuration.connectTimeout, sign: sign)
        guard ["UTF8", "SQL_ASCII"].contains(link.serverEncoding) else {
          throw PostgresError(.configuration, "the database's encoding is \(link.serverEncoding); make it with UTF8")
        }
        link.patience = configuration.connectTimeout
        try link.run(script: setUp)
        logger.debug("connected to postgres", metadata: ["server": "\(configuration)"])
        return link
      } catch {
        if error.code == .cancelled { throw error }
        failure = failure ?? error
      }
    }
    guard let failure else { fatalError("Bug: a URL without hosts") }
    throw failure
  }

  /// In milliseconds. A session that stands still inside a transaction, because its process does, is ended by the
  /// server so that its locks go. A server that is set to answer a COMMIT before it is on disk is told to do otherwise.
  private var setUp: String {
    let statement = configuration.statementTimeout.wholeMilliseconds
    return """
      SET statement_timeout = \(statement); SET lock_timeout = \(configuration.lockTimeout.wholeMilliseconds);
      SET idle_in_transaction_session_timeout = \(statement); SET bytea_output = 'hex';
      SET standard_conforming_strings = on;
      SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
      """
  }

  private func succeeded() {
    guard let began = outageBegan else { return }
    outageBegan = nil
    logger.notice(
      "postgres is back", metadata: ["server": "\(configuration)", "outage": "\(began.duration(to: .now))"])
  }

  private func began(_ error: PostgresError) {
    guard outageBegan == nil else { return }
    outageBegan = .now
    logger.error("postgres failed", metadata: ["server": "\(configuration)", "error": "\(error)"])
  }
}

extension Duration {
  fileprivate var wholeMilliseconds: Int64 {
    components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
  }
}
