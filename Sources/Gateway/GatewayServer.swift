package import Admission
package import Catalog
package import Contracts
import Hummingbird
import HummingbirdCore
package import Lanes
package import Logging
import NIOCore
package import Observability
import ServiceLifecycle
import Synchronization

/// The HTTP door of the fleet. Holds no state but caches of a second, so that any number of them may stand behind a load
/// balancer. Runs on the shared event loops. `run` once.
package final class GatewayServer: Sendable {
  package struct Fault: Error, Sendable, CustomStringConvertible {
    /// Whether the settings are wrong, not the circumstances.
    package var isUsage: Bool
    package var description: String
    /// What to do about it.
    package var remedy: String
  }

  private let configuration: GatewayConfiguration
  private let desk: AdmissionDesk
  private let broker: LaneBroker
  private let policy: @Sendable () -> Policy
  private let registry: MetricRegistry
  private let now: @Sendable () -> Timestamp
  private let logger: Logger
  private let onListening: @Sendable (Int) -> Void
  private let keys: KeyRing
  private let group = Mutex<ServiceGroup?>(nil)

  /// - Parameters:
  ///   - policy: in force; asked for with each request.
  ///   - onListening: called once with the port.
  package init(
    configuration: GatewayConfiguration, desk: AdmissionDesk, broker: LaneBroker,
    policy: @escaping @Sendable () -> Policy, registry: MetricRegistry, now: @escaping @Sendable () -> Timestamp,
    logger: Logger, onListening: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    self.configuration = configuration
    self.desk = desk
    self.broker = broker
    self.policy = policy
    self.registry = registry
    self.now = now
    self.logger = logger
    self.onListening = onListening
    keys = KeyRing(desk: desk, admitsLocalOperator: configuration.address.isLoopback, logger: logger)
  }

  /// Serves until it is drained or the task is cancelled. The topology must be declared.
  package func run() async throws {
    if !configuration.address.isLoopback, await keys.isAnyMade() == false {
      throw Fault(
        isUsage: true,
        description: "TOLLWAY_GATEWAY: \(configuration.address) can be reached from elsewhere, and there is no API key",
        remedy: "tollway keys create makes one; without keys the gateway listens on 127.0.0.1 only")
    }
    try await broker.withCourier { courier in try await serve(courier) }
  }

  /// Takes no new connections, lets the requests that came in end, and then lets `run` return.
  package func drain() async { await group.withLock { $0 }?.triggerGracefulShutdown() }

  private func serve(_ courier: Courier) async throws {
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    var services = ServiceGroupConfiguration(services: [application(courier, quiet)], logger: quiet)
    services.maximumGracefulShutdownDuration = configuration.grace
    let group = ServiceGroup(configuration: services)
    self.group.withLock { $0 = group }
    do {
      try await group.run()
    } catch let error as IOError {
      throw Fault(
        isUsage: false, description: "the gateway cannot listen on \(configuration.address): \(error)",
        remedy: "name another address with TOLLWAY_GATEWAY")
    }
    logger.info("gateway ended")
  }

  private func application(_ courier: Courier, _ quiet: Logger) -> some ApplicationProtocol {
    let configuration = configuration
    let (logger, onListening) = (logger, onListening)
    var channel = HTTP1Channel.Configuration(
      additionalChannelHandlers: [RequestGuard(limit: configuration.readLimit)],
      idleTimeout: TimeAmount(configuration.idleLimit))
    channel.httpDecoder = .init(
      maxHeaderFieldSize: configuration.headerBytes, maxHeaderListSize: configuration.headerBytes,
      maxHeaderFieldCount: configuration.headerFields)
    return Application(
      router: router(courier), server: .http1(configuration: channel),
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.address.host, port: configuration.address.port), backlog: 1024,
        availableConnectionsDelegate: .maximum(configuration.connections, logger: quiet)),
      onServerRunning: { channel in
        let port = channel.localAddress?.port ?? configuration.address.port
        let address = GatewayAddress(host: configuration.address.host, port: port)
        logger.info("gateway listens", metadata: ["address": "\(address)"])
        onListening(port)
      }, logger: quiet)
  }

  private func router(_ courier: Courier) -> Router<GatewayContext> {
    let (desk, logger, limit) = (desk, logger, configuration.publishLimit)
    let post = Gathering<Dispatch, Bool>(flights: 4, size: 256) { dispatches in
      do {
        try await courier.send(dispatches, within: limit)
      } catch {
        logger.error(
          "jobs are not confirmed", metadata: [LogKey.count: "\(dispatches.count)", LogKey.error: "\(error)"])
        throw error
      }
      return dispatches.map { _ in true }
    }
    let jobs = JobSubmission(
      topology: broker.topology, door: Gathering(flights: 2, size: 256) { try await desk.askDoor($0) }, post: post,
      now: now)
    let resolver = PolicyResolver(
      entitlements: Gathering(flights: 2, size: 256) { try await desk.entitlements(of: $0) }, policy: policy,
      logger: logger)

    let router = Router(context: GatewayContext.self, options: .autoGenerateHeadEndpoints)
    router.add(middleware: RequestDesk(registry: registry, logger: logger))
    router.group().add(middleware: Authentication(keys: keys, scope: .submit)).add(middleware: resolver)
      .on(GatewayRoute.submitJob) { try await jobs.submit($0, $1) }
    PublicPages(desk: desk, courier: courier, registry: registry).add(to: router, keys: keys)
    return router
  }
}

extension RouterMethods {
  /// - Returns: nothing that could be added to by mistake.
  func on(
    _ route: GatewayRoute, _ answer: @escaping @Sendable (Request, Context) async throws -> Response
  ) {
    on(RouterPath(route.path), method: route.method) { request, context in try await answer(request, context) }
  }
}
