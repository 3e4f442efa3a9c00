import CRabbitMQ
import Confinement
import Glibc

/// One socket to the broker: librabbitmq's login, TLS and frame decoder, our own frames out. Not Sendable: it belongs
/// to the thread of the actor that opened it, as librabbitmq demands of a connection
/// (https://github.com/alanxz/rabbitmq-c#threading). Nothing here blocks once `init` has returned, except `wait` and
/// `abandon`.
///
/// | function | ownership |
/// |---|---|
/// | `amqp_new_connection`, `amqp_*_socket_new` | ours; freed together by `amqp_destroy_connection` in `deinit` |
/// | `amqp_simple_wait_frame_noblock` | the frame points into a pool of its channel until that is released |
/// | `amqp_maybe_release_buffers_on_channel` | ends every frame of the channel; nothing else frees the pool |
/// | `amqp_send_frame`, `amqp_decode_*` | copy what they are given; decoded structs live in our own pool |
///
/// We do not let the library publish or ack: its sends wait without limit while the broker does not read. Frames are
/// written to `out` and leave with `flush` as far as the socket takes them. For the same reason heartbeats are ours.
final class AMQPWire {
  /// Largest frame taken from the broker. More than the 131,072 it negotiates, because it adds headers of its own
  /// (x-death, x-delivery-count) to what a producer filled up to that limit and sends the result in one frame: with the
  /// negotiated limit one such message would cut every consumer off, for ever. Less than what 16 MiB of stack can bear
  /// when librabbitmq before 0.14 decodes nested tables by recursion: 512 KiB of nothing but nesting needed under 12
  /// MiB.
  static let frameCeiling = 1 << 19
  private static let negotiatedFrameMax: Int32 = 131_072
  /// One turn takes at most this many frames, so that acks do not wait behind a flood.
  private static let framesPerTurn = 2048
  /// Small enough that a socket that polls writable (a third of its buffer is free) takes one whole.
  private static let tlsFrameMax = 32 << 10
  private static let tlsSendBuffer: Int32 = 1 << 20

  let configuration: AMQPConfiguration
  let state: amqp_connection_state_t
  let descriptor: Int32
  /// What the broker says about itself, `product` and `version` among it.
  let serverProperties: AMQPTable
  /// Largest frame the broker takes.
  let frameMax: Int
  /// Highest number of a channel that the broker takes.
  let channelMax: Int
  private let heartbeat: Duration

  /// Frames to be sent; append whole ones only.
  var out = AMQPWriter()
  private var sent = 0
  private var lastHeard: ContinuousClock.Instant
  private var lastSent: ContinuousClock.Instant
  /// The library or OpenSSL may hold bytes that `poll` does not know of.
  private var mayHoldBytes = true

  /// Connects and logs in; blocks up to twice `configuration.timeout` and the name look-up.
  init(opening configuration: AMQPConfiguration) throws(AMQPError) {
    self.configuration = configuration
    guard let state = amqp_new_connection() else { throw AMQPError(.unreachable, "out of memory", .reconnect) }
    self.state = state
    var negotiated = Negotiated()
    do throws(AMQPError) {
      negotiated = try Self.open(state, configuration, frameMax: Self.negotiatedFrameMax)
    } catch {
      amqp_destroy_connection(state)
      throw error
    }
    serverProperties = negotiated.serverProperties
    heartbeat = .seconds(negotiated.heartbeatSeconds)
    frameMax = configuration.tls == nil ? negotiated.frameMax : min(negotiated.frameMax, Self.tlsFrameMax)
    channelMax = negotiated.channelMax
    descriptor = amqp_get_sockfd(state)
    lastHeard = .now
    lastSent = lastHeard
    if configuration.tls != nil {
      var size = Self.tlsSendBuffer
      setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout.size(ofValue: size)))
    }
  }

  deinit { amqp_destroy_connection(state) }

  // MARK: reading

  /// Hands over what has arrived, without waiting. The frame's bytes end with the call of `take`.
  func receive(
    readable: Bool, _ take: (_ channel: UInt16, _ frame: AMQPFrame) throws(AMQPError) -> Void
  ) throws(AMQPError) {
    guard readable || mayHoldBytes else { return }
    lastHeard = .now
    mayHoldBytes = true
    var frame = amqp_frame_t()
    var noWait = timeval()
    for _ in 0..<Self.framesPerTurn {
      let status = amqp_simple_wait_frame_noblock(state, &frame, &noWait)
      if status == AMQP_STATUS_TIMEOUT.rawValue {
        mayHoldBytes = false
        return
      }
      guard status == AMQP_STATUS_OK.rawValue else { throw failure(status) }
      try take(frame.channel, Self.translated(frame))
      amqp_maybe_release_buffers_on_channel(state, frame.channel)
      // Saves the plain socket two calls that would only find it empty; poll will tell. OpenSSL must be drained.
      if configuration.tls == nil, amqp_data_in_buffer(state) == 0, amqp_frames_enqueued(state) == 0 {
        mayHoldBytes = false
        return
      }
    }
  }

  // MARK: writing

  /// Sends what the socket takes; the rest goes with a later call. Adds a heartbeat when nothing was sent for half its
  /// time. Throws when the broker has shown no sign of life for two heartbeats. Returns what to wait for.
  func flush() throws(AMQPError) -> ThreadExecutor.Wait {
    let now = ContinuousClock.now
    guard now - lastHeard < heartbeat * 2 else {
      throw AMQPError(.unreachable, "the broker gave no sign of life for \(heartbeat * 2)", .reconnect)
    }
    // While bytes wait to be sent a heartbeat would only wait behind them.
    if out.bytes.isEmpty, now - lastSent >= heartbeat / 2 { out.heartbeat() }
    if !out.bytes.isEmpty {
      let before = sent
      if configuration.tls == nil { try sendPlain() } else { try sendFrames() }
      if sent != before { lastSent = now }
      if sent == out.bytes.count { forgetSent() }
    }
    let untilLost = lastHeard + heartbeat * 2
    return ThreadExecutor.Wait(
      descriptor: descriptor, writing: !out.bytes.isEmpty,
      until: mayHoldBytes ? now : min(untilLost, lastSent + heartbeat / 2))
  }

  private func sendPlain() throws(AMQPError) {
    while sent < out.bytes.count {
      let count = out.bytes.withUnsafeBytes { bytes in
        send(descriptor, bytes.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count < 0 {
        if errno == EINTR { continue }
        guard errno == EAGAIN || errno == EWOULDBLOCK else { throw failure(AMQP_STATUS_SOCKET_ERROR.rawValue) }
        return
      }
      sent += count
    }
  }

  /// Over TLS only the library can send, and only whole frames in its own form: each of ours is decoded and given to
  /// it. It would wait for room; so it gets a frame only when the socket has room for one.
  private func sendFrames() throws(AMQPError) {
    var pool = amqp_pool_t()
    init_amqp_pool(&pool, 4096)
    defer { empty_amqp_pool(&pool) }
    while sent < out.bytes.count, hasRoom() {
      let status = out.bytes.withUnsafeMutableBytes { bytes in
        let frame = UnsafeMutableRawBufferPointer(rebasing: bytes[sent...])
        sent += Self.length(ofFrame: frame)
        return Self.pass(frame, to: state, &pool)
      }
      guard status == AMQP_STATUS_OK.rawValue else { throw failure(status) }
      recycle_amqp_pool(&pool)
    }
  }

  /// Blocks until something arrives, there is room for what waits to be sent, or the time is over.
  func wait(_ time: Duration) {
    var request = pollfd(fd: descriptor, events: Int16(out.bytes.isEmpty ? POLLIN : POLLIN | POLLOUT), revents: 0)
    poll(&request, 1, Int32(max(0, time / .milliseconds(1)).rounded(.up)))
  }

  /// For a wire whose frames can no longer be read: sends what waits and a close, then throws away what comes until the
  /// broker ends the connection. To close a socket with unread bytes in it would reset the connection, and the broker
  /// might never see our last frames. Blocks up to a second.
  func abandon() {
    let deadline = ContinuousClock.now + .seconds(1)
    out.connectionClose()
    do throws(AMQPError) {
      _ = try flush()
    } catch {
      return  // the socket is dead; nothing can be said any more
    }
    withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 1) { buffer in
      while ContinuousClock.now < deadline {
        let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { return }
        if count < 0 { wait(deadline - .now) }
      }
    }
  }

  private func hasRoom() -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    return poll(&request, 1, 0) > 0
  }

  /// Keeps the buffer for the next turn unless a burst made it large.
  private func forgetSent() {
    sent = 0
    if out.bytes.capacity > 1 << 20 { out.bytes = [] } else { out.bytes.removeAll(keepingCapacity: true) }
  }
}
