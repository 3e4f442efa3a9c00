import CPostgres
import Glibc

/// Owner of one libpq connection, which is not thread-safe: made, used and dropped by one `PostgresConnection` on its
/// thread. The library is never let to block: it is told to return at once, and whoever has to wait does so here, with
/// a deadline and an eye on the sign of cancellation. After an error that does not come from the server the link must
/// be dropped, because answers may still be on their way.
final class PostgresLink {
  let handle: OpaquePointer
  /// How long the server may be silent; nil for ever.
  var patience: Duration?
  /// Of the call that is being served; nil for what has to be waited for in any case.
  var sign: CancelSign?
  /// The names under which the server keeps statements, by their text.
  var prepared: [String: String] = [:]
  /// Used again by every execution.
  var parameters = PostgresParameters()

  /// How often the sign of cancellation is looked at.
  private static let glance = Duration.milliseconds(100)

  /// Connects and logs in.
  init(_ options: [String: String], until deadline: ContinuousClock.Instant, sign: CancelSign) throws(PostgresError) {
    let handle = Self.start(options)
    guard let handle else { throw PostgresError(.unreachable, "no memory for a connection") }
    self.handle = handle  // from here on deinit frees it
    self.sign = sign
    // Errors of the login have no other way to tell their SQLSTATE than to be asked for it in their text.
    PQsetErrorVerbosity(handle, PQERRORS_SQLSTATE)
    tollway_pq_be_quiet(handle)
    guard PQstatus(handle) != CONNECTION_BAD else { throw connectFailure }
    var events = Int16(POLLOUT)
    while true {
      do throws(PostgresError) {
        try wait(for: events, until: deadline)
      } catch {
        throw error.code == .deadlineExceeded
          ? PostgresError(.unreachable, "postgres did not accept the connection in time") : error
      }
      switch PQconnectPoll(handle) {
      case PGRES_POLLING_OK:
        guard PQsetnonblocking(handle, 1) == 0 else { throw lost }
        return
      case PGRES_POLLING_READING: events = Int16(POLLIN)
      case PGRES_POLLING_WRITING: events = Int16(POLLOUT)
      default: throw connectFailure
      }
    }
  }

  deinit { PQfinish(handle) }

  private static func start(_ options: [String: String]) -> OpaquePointer? {
    let pairs = Array(options)
    var keywords: [UnsafePointer<CChar>?] = pairs.map { UnsafePointer(strdup($0.key)) } + [nil]
    var values: [UnsafePointer<CChar>?] = pairs.map { UnsafePointer(strdup($0.value)) } + [nil]
    defer { for text in keywords + values { free(UnsafeMutablePointer(mutating: text)) } }
    return PQconnectStartParams(&keywords, &values, 0)
  }

  private var connectFailure: PostgresError {
    let text = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
    return PostgresError(connecting: text, needsPassword: PQconnectionNeedsPassword(handle) == 1)
  }

  /// The server's text encoding, as it said at login.
  var serverEncoding: String { PQparameterStatus(handle, "server_encoding").map { String(cString: $0) } ?? "" }

  /// Connected and outside of any transaction.
  var isIdle: Bool { isInStep && PQtransactionStatus(handle) == PQTRANS_IDLE }

  /// Connected, and no answer is on its way.
  var isInStep: Bool {
    PQstatus(handle) == CONNECTION_OK && PQtransactionStatus(handle) != PQTRANS_ACTIVE
      && PQpipelineStatus(handle) == PQ_PIPELINE_OFF
  }

  // MARK: sending and receiving

  /// Sends what is queued. Reads meanwhile, so that two full buffers cannot wait for each other.
  func flush() throws(PostgresError) {
    let deadline = patience.map { ContinuousClock.now + $0 }
    while true {
      switch PQflush(handle) {
      case 0: return
      case 1: try wait(for: Int16(POLLIN | POLLOUT), until: deadline)
      default: throw lost
      }
      guard PQconsumeInput(handle) == 1 else { throw lost }
    }
  }

  /// The next result of what was sent; nil behind the last one of a statement.
  func nextResult() throws(PostgresError) -> PostgresResult? {
    let deadline = patience.map { ContinuousClock.now + $0 }
    while PQisBusy(handle) == 1 {
      try wait(for: Int16(POLLIN), until: deadline)
      guard PQconsumeInput(handle) == 1 else { throw lost }
    }
    return PQgetResult(handle).map { PostgresResult($0) }
  }

  func checkCancellation() throws(PostgresError) {
    if sign?.isRaised == true { throw PostgresError(.cancelled, "the task was cancelled") }
  }

  var lost: PostgresError { PostgresError(.connectionLost, "the connection to postgres was lost") }

  private func wait(for events: Int16, until deadline: ContinuousClock.Instant?) throws(PostgresError) {
    while true {
      try checkCancellation()
      var pause = Self.glance
      if let deadline {
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else { throw PostgresError(.deadlineExceeded, "postgres did not answer in time") }
        pause = min(pause, left)
      }
      var descriptor = pollfd(fd: PQsocket(handle), events: events, revents: 0)
      let ready = poll(&descriptor, 1, Int32(pause.components.attoseconds / 1_000_000_000_000_000) + 1)
      if ready > 0 { return }
      guard ready == 0 || errno == EINTR else {
        throw PostgresError(.connectionLost, "waiting for postgres failed: errno \(errno)")
      }
    }
  }
}
