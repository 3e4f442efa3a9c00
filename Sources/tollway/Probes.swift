import Contracts
import Logging
import Observability

/// The HTTP probes of a role, unless they are switched off. A role works without them.
enum Probes {
  static func serve(
    _ settings: Settings, _ registry: MetricRegistry, _ logger: Logger,
    readiness: @escaping @Sendable () async -> ProbeServer.Readiness
  ) async {
    do {
      guard let address = try settings.probes() else { return }
      try await ProbeServer(address: address, registry: registry, logger: logger, readiness: readiness).run()
    } catch {
      logger.error("probes are not served", metadata: [LogKey.error: "\(error)"])
    }
  }
}
