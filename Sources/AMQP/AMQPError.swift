/// Why a call to the broker failed, and what can be done about it. The description is safe to log: server texts are
/// stripped of control characters and cut, and no password is ever part of it.
package struct AMQPError: Error, Sendable, Equatable, CustomStringConvertible {
  package enum Code: String, Sendable {
    /// The URL or an option is wrong.
    case configuration
    /// The host name has no address.
    case unknownHost
    /// No connection, or it ended: refused, reset, closed by either side, or no sign of life for two heartbeats.
    case unreachable
    /// The broker did not answer in time.
    case timeout
    /// The certificate or the handshake was refused, by either side.
    case tls
    /// User or password is wrong.
    case authenticationRefused
    /// The user may not do this (403), or may not use the virtual host (530).
    case accessRefused
    /// No such queue or exchange (404).
    case notFound
    /// It exists with other arguments, or a rule of the broker was broken (406).
    case preconditionFailed
    /// Another connection holds it (405).
    case locked
    /// The broker closed the connection or the channel for another reason; see `replyCode`.
    case closedByBroker
    /// Bytes that are not AMQP, or a frame that cannot be decoded.
    case malformed
    /// The publication cannot be expressed in AMQP: a name over 255 bytes, headers larger than a frame.
    case invalidPublication
    /// This end holds as much as it may; settling makes room.
    case busy
    /// This end was closed.
    case closed
  }

  package enum Disposition: Sendable {
    /// The same call may succeed later on the same connection.
    case retry
    /// The connection is gone; the call may succeed on the next one.
    case reconnect
    /// It will fail again until somebody changes something; the message says what.
    case permanent
  }

  package var code: Code
  package var message: String
  package var disposition: Disposition
  /// The AMQP reply code of a close by the broker, such as 404.
  package var replyCode: Int?

  package init(_ code: Code, _ message: String, _ disposition: Disposition, replyCode: Int? = nil) {
    self.code = code
    self.message = message
    self.disposition = disposition
    self.replyCode = replyCode
  }

  package var description: String { message }
}

extension AMQPError {
  static func configuration(_ message: String) -> AMQPError { AMQPError(.configuration, message, .permanent) }

  static let closed = AMQPError(.closed, "the connection was closed by this end", .permanent)

  /// A `channel.close` or `connection.close` of the broker.
  /// Reply codes: https://www.rabbitmq.com/amqp-0-9-1-reference#constants
  static func close(code: UInt16, text: String, ofConnection: Bool) -> AMQPError {
    let text = printable(text)
    let number = Int(code)
    switch number {
    case 403 where ofConnection:
      return AMQPError(
        .authenticationRefused,
        "the broker refused user name or password: check the credentials in the AMQP URL (\(text))",
        .permanent, replyCode: number)
    case 403:
      return AMQPError(
        .accessRefused, "the broker user lacks a permission: grant it with rabbitmqctl set_permissions (\(text))",
        .permanent, replyCode: number)
    case 404: return AMQPError(.notFound, text, .permanent, replyCode: number)
    case 405: return AMQPError(.locked, text, .retry, replyCode: number)
    case 406: return AMQPError(.preconditionFailed, text, .permanent, replyCode: number)
    case 530 where ofConnection:
      return AMQPError(
        .accessRefused,
        "the broker refused the virtual host: rabbitmqctl add_vhost makes it, set_permissions grants it (\(text))",
        .permanent, replyCode: number)
    default:
      return AMQPError(
        .closedByBroker, "closed by the broker: \(text)", ofConnection ? .reconnect : .retry, replyCode: number)
    }
  }

  /// At most 300 characters, without anything that could forge a log line.
  static func printable(_ text: String) -> String {
    String(
      String.UnicodeScalarView(text.unicodeScalars.prefix(300).map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
  }
}
