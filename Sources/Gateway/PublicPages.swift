import Admission
import Contracts
import Hummingbird
import Lanes
import Observability

/// The pages that are not about jobs: whether this process lives and can work, its metrics, and the OpenAPI document.
/// Metrics tell what a fleet spends, so that they are shown to those only who may read everything.
struct PublicPages {
  let desk: AdmissionDesk
  let courier: Courier
  let registry: MetricRegistry

  func add(to router: Router<GatewayContext>, keys: KeyRing) {
    router.on(.health) { _, _ in Self.text(.ok, "alive\n") }
    router.on(.readiness) { _, _ in try await readiness() }
    router.on(.openAPI) { _, _ in
      Self.page(.ok, PackageResources.openapi_json, contentType: "application/json")
    }
    router.group().add(middleware: Authentication(keys: keys, scope: .read, needsEverybody: true))
      .on(.metrics) { _, _ in
        Self.page(.ok, Array(registry.text().utf8), contentType: "text/plain; version=0.0.4; charset=utf-8")
      }
  }

  private func readiness() async throws -> Response {
    do {
      _ = try await desk.time()
    } catch {
      throw Problem(.unavailable, "not ready: redis does not answer", retryAfter: .seconds(1))
    }
    guard courier.isTaking else {
      throw Problem(.unavailable, "not ready: the broker takes no messages", retryAfter: .seconds(1))
    }
    return Self.text(.ok, "ready\n")
  }

  private static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
    page(status, Array(text.utf8), contentType: "text/plain; charset=utf-8")
  }

  private static func page(_ status: HTTPResponse.Status, _ body: [UInt8], contentType: String) -> Response {
    Response(
      status: status, headers: [.contentType: contentType], body: .init(byteBuffer: ByteBuffer(bytes: body)))
  }
}
