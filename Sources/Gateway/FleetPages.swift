import Admission
import Catalog
import Contracts
import Foundation
import Hummingbird
import Operations

/// What a user is granted and has used, and how lanes and providers stand: what the commands show.
struct FleetPages: Sendable {
  let desk: AdmissionDesk
  let resolver: PolicyResolver
  let policy: @Sendable () -> Policy
  let lanes: Snapshot<LaneBoard>
  let providers: Snapshot<ProviderBoard>

  func add(to router: RouterGroup<GatewayContext>) {
    router.on(.userUsage) { _, context in
      guard let user = context.identifier, context.principal?.users.allows(user) == true else {
        throw Problem(.notFound, "no such user")
      }
      let entitlement = try await resolver.entitlement(of: user)
      return try await Self.page { try await UserUsage.read(user, entitlement: entitlement, policy(), desk) }
    }
  }

  /// For those who may see everybody's jobs.
  func addOverviews(to router: RouterGroup<GatewayContext>) {
    router.on(.lanes) { _, _ in try await Self.page { try await lanes.value() } }
    router.on(.providers) { _, _ in
      try await Self.page { ["providers": try await providers.value().rows] }
    }
  }

  private static func page(_ read: () async throws -> some Encodable) async throws -> Response {
    let value: any Encodable
    do {
      value = try await read()
    } catch {
      throw Problem.stateUnreachable
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Response(
      status: .ok, headers: [.contentType: "application/json"],
      body: .init(byteBuffer: ByteBuffer(bytes: try encoder.encode(value))))
  }
}
