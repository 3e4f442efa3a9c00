import Foundation

/// A real RabbitMQ node. `shared()` is for tests that keep to their own namespace, `dedicated()` for those that stop or
/// restart it, set off its alarms or change its permissions.
package final class LiveBroker: Sendable {
  /// `amqp://guest:guest@127.0.0.1:PORT/%2F`
  package let url: String
  /// `amqps://guest:guest@localhost:PORT/%2F?cacertfile=...`; nil without a TLS listener.
  package let tlsURL: String?
  /// Path of the authority's certificate that the TLS listener's was signed with.
  package let certificateAuthority: String?

  /// The command that is rabbitmqctl for this node.
  private let control: String?
  private let own: OwnServer?

  private init(url: String, tlsURL: String?, certificateAuthority: String?, control: String?, own: OwnServer?) {
    self.url = url
    self.tlsURL = tlsURL
    self.certificateAuthority = certificateAuthority
    self.control = control
    self.own = own
  }

  private static let sharedNode = Task {
    let environment = ProcessInfo.processInfo.environment
    if let given = environment["TOLLWAY_TEST_AMQP_URL"] {
      return LiveBroker(
        url: given, tlsURL: environment["TOLLWAY_TEST_AMQPS_URL"],
        certificateAuthority: environment["TOLLWAY_TEST_CA"], control: environment["TOLLWAY_TEST_RABBITMQCTL"],
        own: nil)
    }
    return try await dedicated(tls: true)
  }

  /// The node at `TOLLWAY_TEST_AMQP_URL` (with `TOLLWAY_TEST_AMQPS_URL`, `TOLLWAY_TEST_CA` and
  /// `TOLLWAY_TEST_RABBITMQCTL`); without that, one with TLS, started at the first call and ended with the tests.
  package static func shared() async throws -> LiveBroker { try await sharedNode.value }

  /// A node of the caller's own, ready after about three seconds. It keeps its ports and its data over restarts.
  package static func dedicated(tls: Bool = false) async throws -> LiveBroker {
    let own = try await OwnServer(.broker, options: tls ? ["--tls"] : [])
    return LiveBroker(
      url: try own.value("url"), tlsURL: tls ? try own.value("amqps_url") : nil,
      certificateAuthority: tls ? own.directory.file("ca.pem").path : nil,
      control: own.directory.file("rabbitmqctl").path, own: own)
  }

  package func start() async throws { try await own.required.start() }
  /// An orderly end.
  package func stop() async throws { try await own.required.stop() }
  /// An end by SIGKILL.
  package func crash() async throws { try await own.required.crash() }

  /// Runs rabbitmqctl for this node and returns what that printed.
  package func rabbitmqctl(_ arguments: String...) async throws -> String {
    guard let control else { throw SystemFailure("TOLLWAY_TEST_RABBITMQCTL is not set", code: ENOENT) }
    return try await FinishedCommand.run([control, "--quiet"] + arguments).checked()
  }
}
