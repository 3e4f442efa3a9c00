import Hummingbird
package import Logging
import Synchronization

/// `/metrics` for Prometheus, `/healthz` (this process answers) and `/readyz` (it can do its work) over plain HTTP, for
/// any role. Runs on the shared event loops; answers never touch a wire.
package struct ProbeServer: Sendable {
  package enum Readiness: Sendable, Hashable {
    case ready
    /// What is missing, for people; shown to anybody who asks.
    case notReady(String)
  }

  package struct Fault: Error, Sendable, CustomStringConvertible {
    package let description: String
  }

  private let address: ProbeAddress
  private let registry: MetricRegistry
  private let readiness: @Sendable () async -> Readiness
  private let logger: Logger
  private let onListening: @Sendable (Int) -> Void

  /// - Parameter onListening: called once with the port that was free.
  package init(
    address: ProbeAddress, registry: MetricRegistry, logger: Logger,
    readiness: @escaping @Sendable () async -> Readiness, onListening: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    self.address = address
    self.registry = registry
    self.readiness = readiness
    self.logger = logger
    self.onListening = onListening
  }

  /// Serves until the task is cancelled or shut down gracefully. A taken port is followed by the next, 20 in all.
  package func run() async throws(Fault) {
    var failure = ""
    for port in address.candidates {
      let isListening = Mutex(false)
      do {
        try await application(port: port) { isListening.withLock { $0 = true } }.run()
        return
      } catch {
        if Task.isCancelled { return }
        failure = "\(error)"
        if isListening.withLock({ $0 }) { throw Fault(description: "the probes stopped: \(failure)") }
        logger.debug("the probes cannot listen here", metadata: ["port": "\(port)", "error": "\(failure)"])
      }
    }
    let ports = "\(address.candidates.lowerBound) to \(address.candidates.upperBound)"
    throw Fault(description: "the probes cannot listen on \(address.host), ports \(ports): \(failure)")
  }

  private func application(port: Int, whenListening: @escaping @Sendable () -> Void) -> some ApplicationProtocol {
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    let address = address
    let logger = logger
    let onListening = onListening
    return Application(
      router: router(), configuration: .init(address: .hostname(address.host, port: port)),
      onServerRunning: { _ in
        whenListening()
        let message: Logger.Message = port == address.port ? "probes listen" : "probes listen on the next free port"
        logger.info(message, metadata: ["address": "\(address.host):\(port)", "wanted": "\(address.port)"])
        onListening(port)
      }, logger: quiet)
  }

  private func router() -> Router<BasicRequestContext> {
    let router = Router()
    let registry = registry
    let readiness = readiness
    router.get("metrics") { _, _ in
      Self.text(.ok, registry.text(), contentType: PrometheusText.contentType)
    }
    router.get("healthz") { _, _ in Self.text(.ok, "alive\n") }
    router.get("readyz") { _, _ in
      switch await readiness() {
      case .ready: Self.text(.ok, "ready\n")
      case .notReady(let reason): Self.text(.serviceUnavailable, "not ready: \(reason)\n")
      }
    }
    return router
  }

  private static func text(
    _ status: HTTPResponse.Status, _ body: String, contentType: String = "text/plain; charset=utf-8"
  ) -> Response {
    Response(
      status: status, headers: [.contentType: contentType], body: .init(byteBuffer: ByteBuffer(string: body)))
  }
}
