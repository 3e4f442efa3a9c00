import CRabbitMQ
import Glibc

/// Opening a wire: socket, TLS, login. Every failure becomes a sentence that says what to change.
extension AMQPWire {
  struct Negotiated {
    var serverProperties = AMQPTable()
    var frameMax = 0
    var channelMax = 0
    var heartbeatSeconds = 0
  }

  /// The caller destroys `state`, with the socket in it, when this throws.
  static func open(
    _ state: amqp_connection_state_t, _ configuration: AMQPConfiguration, frameMax: Int32
  ) throws(AMQPError) -> Negotiated {
    var timeout = timeval(configuration.timeout)
    try check(amqp_set_handshake_timeout(state, &timeout), configuration)
    try check(amqp_set_rpc_timeout(state, &timeout), configuration)
    let socket = try newSocket(state, configuration)
    try check(
      amqp_socket_open_noblock(socket, configuration.host, Int32(configuration.port), &timeout), configuration)

    let reply = tollway_login_plain(
      state, configuration.virtualHost, frameMax, Int32(configuration.heartbeatSeconds), configuration.name,
      configuration.version, configuration.user, configuration.password)
    if let error = failure(of: reply, configuration) { throw error }
    let channelMax = Int(amqp_get_channel_max(state))
    let negotiated = Negotiated(
      serverProperties: serverProperties(state), frameMax: Int(amqp_get_frame_max(state)),
      channelMax: channelMax == 0 ? Int(UInt16.max) : channelMax,
      heartbeatSeconds: max(1, Int(amqp_get_heartbeat(state))))
    // After the login the library's state is idle, as this call demands. From here on it takes frames up to our ceiling
    // and leaves heartbeats to us.
    try check(
      amqp_tune_connection(state, amqp_get_channel_max(state), Int32(frameCeiling), 0), configuration)
    return negotiated
  }

  private static func newSocket(
    _ state: amqp_connection_state_t, _ configuration: AMQPConfiguration
  ) throws(AMQPError) -> OpaquePointer {
    guard let tls = configuration.tls else {
      guard let socket = amqp_tcp_socket_new(state) else { throw AMQPError(.unreachable, "out of memory", .reconnect) }
      return socket
    }
    guard let socket = amqp_ssl_socket_new(state) else {
      throw AMQPError(.tls, "the TLS library could not be set up", .permanent)
    }
    amqp_ssl_socket_set_verify_peer(socket, tls.verifies ? 1 : 0)
    amqp_ssl_socket_set_verify_hostname(socket, tls.verifies ? 1 : 0)
    // 0.11 would offer TLS 1.0 too.
    guard amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST) == AMQP_STATUS_OK.rawValue else {
      throw AMQPError(.tls, "the TLS library does not offer TLS 1.2", .permanent)
    }
    if tls.verifies, amqp_ssl_socket_set_cacert(socket, tls.authorities) != AMQP_STATUS_OK.rawValue {
      throw AMQPError(
        .configuration,
        "the authorities in \(tls.authorities) cannot be read: set cacertfile in the AMQP URL to a PEM file",
        .permanent)
    }
    if let certificate = tls.certificate, let key = tls.key,
      amqp_ssl_socket_set_key(socket, certificate, key) != AMQP_STATUS_OK.rawValue
    {
      throw AMQPError(
        .configuration,
        "certfile \(certificate) or keyfile \(key) cannot be read: both must be PEM and belong together",
        .permanent)
    }
    return socket
  }

  /// The library's copy of a well-formed table, written back to the form our reader takes.
  private static func serverProperties(_ state: amqp_connection_state_t) -> AMQPTable {
    guard let source = amqp_get_server_properties(state) else { return AMQPTable() }
    return withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 8) { buffer in
      var length = 0
      let status = amqp_encode_table(amqp_bytes_t(len: buffer.count, bytes: buffer.baseAddress), source, &length)
      guard status == AMQP_STATUS_OK.rawValue else { return AMQPTable() }
      var reader = AMQPReader(UnsafeRawBufferPointer(rebasing: buffer[..<length]))
      do throws(AMQPHostility) {
        return try reader.table()
      } catch {
        return AMQPTable()  // only said to people; a broker may describe itself as it likes
      }
    }
  }

  // MARK: failures

  func failure(_ status: Int32) -> AMQPError { Self.failure(status, configuration) }

  private static func check(_ status: Int32, _ configuration: AMQPConfiguration) throws(AMQPError) {
    guard status >= 0 else { throw failure(status, configuration) }
  }

  /// nil when the call succeeded.
  static func failure(of reply: amqp_rpc_reply_t, _ configuration: AMQPConfiguration) -> AMQPError? {
    switch reply.reply_type {
    case AMQP_RESPONSE_NORMAL: return nil
    case AMQP_RESPONSE_SERVER_EXCEPTION:
      switch translated(method: reply.reply) {
      case .channelClosed(let error), .connectionClosed(let error): return error
      default: return AMQPError(.malformed, "the broker answered with something else", .reconnect)
      }
    default: return failure(reply.library_error, configuration)
    }
  }

  private static func failure(_ status: Int32, _ configuration: AMQPConfiguration) -> AMQPError {
    let place = "\(configuration.host):\(configuration.port)"
    switch amqp_status_enum(status) {
    case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED:
      return AMQPError(.unknownHost, "the broker's host name \(configuration.host) cannot be resolved", .reconnect)
    case AMQP_STATUS_TIMEOUT:
      return AMQPError(.timeout, "the broker at \(place) did not answer within \(configuration.timeout)", .reconnect)
    case AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED:
      return AMQPError(
        .tls,
        """
        the certificate of \(place) is for another host name: use a DNS name it lists (librabbitmq before 0.14 does \
        not match addresses)
        """, .permanent)
    case AMQP_STATUS_SSL_PEER_VERIFY_FAILED, AMQP_STATUS_SSL_CONNECTION_FAILED:
      return AMQPError(
        .tls,
        """
        the TLS handshake with \(place) failed: check cacertfile in the AMQP URL, whether the broker demands a client \
        certificate, and whether that port speaks TLS
        """, .reconnect)
    case AMQP_STATUS_SSL_ERROR:
      return AMQPError(.tls, "TLS with \(place) broke", .reconnect)
    case AMQP_STATUS_BROKER_UNSUPPORTED_SASL_METHOD:
      return AMQPError(.configuration, "the broker at \(place) does not take PLAIN logins", .permanent)
    case AMQP_STATUS_BAD_AMQP_DATA, AMQP_STATUS_UNKNOWN_CLASS, AMQP_STATUS_UNKNOWN_METHOD,
      AMQP_STATUS_UNEXPECTED_STATE, AMQP_STATUS_WRONG_METHOD, AMQP_STATUS_INCOMPATIBLE_AMQP_VERSION:
      return AMQPError(.malformed, "\(place) sent something that cannot be decoded: \(text(of: status))", .reconnect)
    case AMQP_STATUS_CONNECTION_CLOSED, AMQP_STATUS_SOCKET_CLOSED:
      return AMQPError(.unreachable, "the connection to \(place) was closed", .reconnect)
    default:
      return AMQPError(.unreachable, "no connection to \(place): \(text(of: status))", .reconnect)
    }
  }

  private static func text(of status: Int32) -> String { String(cString: amqp_error_string2(status)) }
}

extension timeval {
  fileprivate init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
  }
}
