import Billing
import Contracts
import Hummingbird
import Lanes
import Logging
import Operations

// Dead letters and blocked jobs. Nothing of a message is shown but what its lane, limits and end are judged by.

extension AdminPages {
  func addLetterReadings(to router: RouterGroup<GatewayContext>) {
    for (kind, list, one) in [
      (LetterBox.Kind.dead, GatewayRoute.deadLetters, GatewayRoute.deadLetter),
      (.blocked, .blockedLetters, .blockedLetter),
    ] {
      guard let box = letters[kind] else { continue }
      router.on(list) { request, _ in
        let query = AdminQuery(request)
        let limit = try query.limit
        return try await page {
          let (found, isAll) = try await box.list(query.letters, limit: limit)
          return LetterPage(letters: found.map { LetterRow(withoutProperties: $0) }, isAll: isAll)
        }
      }
      router.on(one) { _, context in
        try await page {
          let missing = Problem(.notFound, "no letter of this job")
          guard let job = context.identifier else { throw missing }
          let found = try await box.find(job)
          guard !found.isEmpty else { throw missing }
          return LetterPage(letters: found.map { LetterRow(withoutProperties: $0.letter) }, isAll: true)
        }
      }
    }
  }

  func addLetterChanges(to router: RouterGroup<GatewayContext>) {
    for (kind, route) in [(LetterBox.Kind.dead, GatewayRoute.replayDead), (.blocked, .releaseBlocked)] {
      guard let box = letters[kind] else { continue }
      router.on(route) { request, context in
        let body = try await AdminBody(request, members: ["ids"])
        let (ids, note) = (try body.ids, context.note(reason: body.reason, surface: .api))
        return try await page { try await box.replay(.ids(ids), policy(), note, try await audit()) }
      }
    }
  }

  func audit() async throws -> Audit {
    Audit(in: try await ledger.ledger()) { [logger] fault in
      logger.error("what came of an act is not in the ledger's audit", metadata: [LogKey.error: "\(fault)"])
    }
  }
}

private struct LetterPage: Encodable {
  let letters: [LetterRow]
  let isAll: Bool
}
