import CHiredis
import Glibc

/// Owner of one hiredis context, which is not thread-safe: made, used and dropped by one `RedisConnection` on its
/// thread. After any error it must be dropped and never used again, because replies may still be on their way and would
/// be taken for the answers to later commands.
final class RedisContext {
  private let context: UnsafeMutablePointer<redisContext>

  /// `connectTimeout` for each address of the host; `ioTimeout` is the kernel's limit for one blocking send.
  init(_ address: RedisAddress, connectTimeout: Duration, ioTimeout: Duration) throws(RedisError) {
    guard let context = redisConnectWithTimeout(address.host, Int32(address.port), timeval(connectTimeout)) else {
      throw RedisError(.unreachable, "no memory for a connection", .retry)
    }
    self.context = context  // from here on deinit frees it
    guard context.pointee.err == 0, redisSetTimeout(context, timeval(ioTimeout)) == REDIS_OK,
      redisEnableKeepAlive(context) == REDIS_OK
    else { throw RedisError(.unreachable, "redis cannot be reached: \(reason)", .reconnect) }
    // Programs started by this process must not keep the connection open; hiredis does not see to it.
    guard fcntl(context.pointee.fd, F_SETFD, FD_CLOEXEC) != -1 else {
      throw RedisError(.unreachable, "close-on-exec refused: errno \(errno)", .retry)
    }
  }

  deinit { redisFree(context) }

  /// False when the server closed the connection, or sent something, while nothing was asked.
  var isQuiet: Bool {
    var descriptor = pollfd(fd: context.pointee.fd, events: Int16(POLLIN), revents: 0)
    return !hasUnreadBytes && poll(&descriptor, 1, 0) == 0
  }

  private var hasUnreadBytes: Bool { context.pointee.reader.pointee.pos < context.pointee.reader.pointee.len }

  /// Adds a command to the output buffer. With `evaluating` its first two arguments, EVALSHA and the digest, are
  /// replaced by EVAL and that source.
  func append(_ arguments: RedisArguments, runID: String, evaluating source: String? = nil) throws(RedisError) {
    let isAppended = arguments.pieces(runID: runID, evaluating: source) { piece in
      redisAppendFormattedCommand(
        context, piece.baseAddress?.assumingMemoryBound(to: CChar.self), piece.count) == REDIS_OK
    }
    guard isAppended else { throw RedisError(.connectionLost, "no memory for a command", .retry) }
  }

  /// Sends what was appended and reads that many replies: one round trip. An error of a command is a value.
  func exchange(replies count: Int, until deadline: ContinuousClock.Instant) throws(RedisError) -> [RedisValue] {
    try flush(until: deadline)
    var values: [RedisValue] = []
    values.reserveCapacity(count)
    while values.count < count { values.append(try nextReply(until: deadline)) }
    guard !hasUnreadBytes else {
      throw RedisError(.protocolViolation, "redis sent more replies than asked", .reconnect, isOutcomeUnknown: true)
    }
    return values
  }

  private func flush(until deadline: ContinuousClock.Instant) throws(RedisError) {
    var isDone: Int32 = 0
    var isPartlySent = false
    while isDone == 0 {
      guard redisBufferWrite(context, &isDone) == REDIS_OK else {
        throw RedisError(
          .connectionLost, "sending to redis failed: \(reason)", .reconnect, isOutcomeUnknown: isPartlySent)
      }
      isPartlySent = true
      if isDone == 0, ContinuousClock.now >= deadline { throw RedisContext.late }
    }
  }

  private func nextReply(until deadline: ContinuousClock.Instant) throws(RedisError) -> RedisValue {
    while true {
      var raw: UnsafeMutableRawPointer?
      guard redisGetReplyFromReader(context, &raw) == REDIS_OK else {
        throw RedisError(.protocolViolation, "redis sent no reply: \(reason)", .reconnect, isOutcomeUnknown: true)
      }
      if let raw {
        defer { freeReplyObject(raw) }
        return try RedisValue(copying: UnsafePointer(raw.assumingMemoryBound(to: redisReply.self)))
      }
      try waitReadable(until: deadline)
      guard redisBufferRead(context) == REDIS_OK else {
        throw RedisError(.connectionLost, "redis connection lost: \(reason)", .reconnect, isOutcomeUnknown: true)
      }
    }
  }

  private func waitReadable(until deadline: ContinuousClock.Instant) throws(RedisError) {
    while true {
      let left = ContinuousClock.now.duration(to: deadline)
      guard left > .zero else { throw RedisContext.late }
      var descriptor = pollfd(fd: context.pointee.fd, events: Int16(POLLIN), revents: 0)
      let ready = poll(&descriptor, 1, Int32(clamping: left.roundedUpMilliseconds))
      if ready > 0 { return }
      guard ready == 0 || errno == EINTR else {
        throw RedisError(
          .connectionLost, "waiting for redis failed: errno \(errno)", .reconnect, isOutcomeUnknown: true)
      }
    }
  }

  private static let late = RedisError(
    .deadlineExceeded, "redis did not answer in time", .reconnect, isOutcomeUnknown: true)

  /// What hiredis or the system says; neither knows our arguments.
  private var reason: String {
    withUnsafeBytes(of: &context.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

extension timeval {
  fileprivate init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
  }
}

extension Duration {
  fileprivate var roundedUpMilliseconds: Int64 {
    components.seconds * 1000 + (components.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
  }
}
