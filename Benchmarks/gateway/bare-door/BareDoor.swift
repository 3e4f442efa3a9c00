import AMQP
import Foundation
import Hummingbird
import Logging

/// What the gateway is measured beside: an HTTP handler that publishes the body as it came, persistent, and answers 202
/// when the broker has confirmed it. It knows no keys, no users, no limits, no policy, no idempotency, and writes no log. Its
/// publisher is ours, so requests that come together share a write to the broker here as there.
///
///     bare-door HOST:PORT EXCHANGE ROUTING_KEY    # TOLLWAY_AMQP_URL
///
/// Prints a line once it listens, and ends on SIGTERM.
@main
struct BareDoor {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 4, let port = arguments[1].split(separator: ":").last.flatMap({ Int($0) }),
      let url = ProcessInfo.processInfo.environment["TOLLWAY_AMQP_URL"]
    else { fatalError("TOLLWAY_AMQP_URL=... bare-door HOST:PORT EXCHANGE ROUTING_KEY") }
    var logger = Logger(label: "bare-door")
    logger.logLevel = .warning
    let publisher = AMQPPublisher(
      configuration: try AMQPConfiguration(url: url, name: "bare-door publish"), logger: logger)
    let router = Router()
    router.post("v1/jobs") { [exchange = arguments[2], routingKey = arguments[3]] request, _ in
      let body = try await request.body.collect(upTo: 1 << 20)
      var properties = AMQPProperties()
      properties.contentType = "application/json"
      properties.deliveryMode = .persistent
      properties.messageId = String(UInt64.random(in: .min ... .max), radix: 36)
      let publication = AMQPPublication(
        exchange: exchange, routingKey: routingKey, properties: properties, body: Array(body.readableBytesView))
      guard await publisher.publish([publication]) == [.confirmed] else { throw HTTPError(.serviceUnavailable) }
      return Response(
        status: .accepted, headers: [.contentType: "application/json"],
        body: .init(byteBuffer: ByteBuffer(string: #"{"accepted":true}"#)))
    }
    let application = Application(
      router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port)),
      onServerRunning: { channel in
        let line = "bare door listens: 127.0.0.1:\(channel.localAddress?.port ?? port)\n"
        FileHandle.standardOutput.write(Data(line.utf8))
      }, logger: logger)
    try await withThrowingDiscardingTaskGroup { group in
      group.addTask { await publisher.run() }
      guard await publisher.connected() else { fatalError("the broker cannot be reached") }
      try await application.runService()
      group.cancelAll()
    }
  }
}
