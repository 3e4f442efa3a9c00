import Admission
import Billing
import Catalog
import Contracts
import Foundation
import Hummingbird
import Lanes
import Logging
import Operations

/// What administrators look up and do, as the commands do it. Whoever looks needs the scope `read`, whoever changes
/// something the scope `admin` and a reason, and both a key for all users. Without the ledger these pages answer 503, and
/// the rest of the gateway goes on.
struct AdminPages: Sendable {
  let ledger: LedgerAccess
  let reports: Reports
  let desk: AdmissionDesk
  let letters: [LetterBox.Kind: Letters]
  let policy: @Sendable () -> Policy
  let now: @Sendable () -> Timestamp
  let logger: Logger

  func addReadings(to router: RouterGroup<GatewayContext>) {
    router.on(.adminFreeze) { _, _ in try await page { try await acts().freezeCard() } }
    router.on(.adminUsers) { request, _ in
      let query = AdminQuery(request)
      let limit = try query.limit
      return try await page {
        let (rows, isAll) = try await acts().users(limit: limit, after: query["after"])
        return UserPage(users: rows, isAll: isAll)
      }
    }
    router.on(.adminUser) { _, context in
      let user = try Self.user(context)
      return try await page { try await acts().user(user) }
    }
    router.on(.alerts) { request, _ in
      let limit = try AdminQuery(request).limit
      return try await page {
        let acts = try await acts()
        return AlertPage(open: try await acts.openConditions(), alerts: try await acts.alerts(limit: limit))
      }
    }
    router.on(.changes) { request, _ in
      let limit = try AdminQuery(request).limit
      return try await page { ["changes": try await acts().changes(limit: limit)] }
    }
    router.on(.report) { request, _ in
      let query = AdminQuery(request)
      let (asked, limit) = (try query.report(at: now()), try query.limit)
      return try await page { ReportPage(asked, try await sheet(asked), limit: limit) }
    }
    addLetterReadings(to: router)
  }

  func addChanges(to router: RouterGroup<GatewayContext>) {
    router.on(.changeFreeze) { request, context in
      let body = try await AdminBody(request, members: ["state"])
      let (isOn, note) = (try body.isOn, context.note(reason: body.reason, surface: .api))
      return try await page {
        let acts = try await acts()
        if isOn { _ = try await acts.freeze(note) } else { _ = try await acts.thaw(note) }
        return try await acts.freezeCard()
      }
    }
    router.on(.holdProvider) { request, context in
      let note = context.note(reason: try await AdminBody(request).reason, surface: .api)
      return try await page {
        let (hold, isNew) = try await acts().hold(Self.provider(context), note)
        return ProviderAnswer(provider: hold.provider, state: .held, changed: isNew)
      }
    }
    router.on(.releaseProvider) { request, context in
      let note = context.note(reason: try await AdminBody(request).reason, surface: .api)
      return try await page {
        let provider = try Self.provider(context)
        let release = try await acts().release(provider, note)
        return ProviderAnswer(provider: provider, state: .serving, changed: release != .nothing)
      }
    }
    router.on(.assignUser) { request, context in
      let body = try await AdminBody(request, members: ["tier", "overrides"])
      let (user, tier, overrides) = (try Self.user(context), try body.tier, try body.overrides)
      guard tier != nil || overrides != .none else {
        throw Problem(.invalidMessage, "name a tier or at least one member of overrides; DELETE takes all back")
      }
      let note = context.note(reason: body.reason, surface: .api)
      return try await page { AssignmentRow(try await acts().assign(user, tier: tier, overrides: overrides, note)) }
    }
    router.on(.unassignUser) { request, context in
      let note = context.note(reason: try await AdminBody(request).reason, surface: .api)
      let user = try Self.user(context)
      return try await page { UnassignAnswer(user: user, changed: try await acts().unassign(user, note)) }
    }
    addLetterChanges(to: router)
  }

  func acts() async throws -> Acts {
    Acts(ledger: try await ledger.ledger(), desk: desk, policy: policy(), now: now)
  }

  private func sheet(_ query: LedgerQuery) async throws -> LedgerSheet {
    do {
      return try await reports.sheet(query)
    } catch is Turnstile.Crowded {
      throw Problem(.unavailable, "other reports are being made, one at a time", retryAfter: .seconds(5))
    } catch is LedgerAccess.Late {
      throw Problem(
        .unavailable, "the report takes too long here: ask for fewer days, or for tollway ledger report",
        retryAfter: .seconds(60))
    }
  }

  /// - Parameter value: throws what `Problem(acting:)` sorts.
  func page(_ value: () async throws -> some Encodable) async throws -> Response {
    let bytes: Data
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      bytes = try encoder.encode(try await value())
    } catch {
      let problem = Problem(acting: error)
      if problem.code == .unavailable { logger.warning("an admin page failed", metadata: [LogKey.error: "\(error)"]) }
      throw problem
    }
    return Response(
      status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  private static func user(_ context: GatewayContext) throws -> String {
    guard let user = context.identifier else { throw Problem(.notFound, "no such user") }
    return user
  }

  private static func provider(_ context: GatewayContext) throws -> String {
    guard let provider = context.identifier else { throw Problem(.notFound, "no such provider") }
    return provider
  }
}

private struct UserPage: Encodable {
  let users: [AssignmentRow]
  let isAll: Bool
}

private struct AlertPage: Encodable {
  let open, alerts: [AlertRow]
}

private struct ProviderAnswer: Encodable {
  let provider: String
  let state: ProviderBoard.State
  /// False where it was so before.
  let changed: Bool
}

private struct UnassignAnswer: Encodable {
  let user: String
  let changed: Bool
}

/// Where there are more groups than were asked for, those of the largest amounts.
private struct ReportPage: Encodable {
  let by: String
  @OrNull var from: String?
  @OrNull var to: String?
  let rows: [LedgerSheet.Row]
  let isAll: Bool
  let total: LedgerSheet.Row

  init(_ query: LedgerQuery, _ sheet: LedgerSheet, limit: Int) {
    by = sheet.by
    from = query.from?.description
    to = query.to?.description
    isAll = sheet.rows.count <= limit
    total = sheet.total
    guard !isAll else {
      rows = sheet.rows
      return
    }
    let amounts = sheet.rows.map { Money($0.costUsd) ?? .zero }
    let largest = amounts.indices.sorted { amounts[$0] > amounts[$1] }.prefix(limit)
    rows = largest.sorted().map { sheet.rows[$0] }
  }
}
