package import Lanes

/// A letter as JSON; the body only where it was asked for.
package struct LetterRow: Sendable, Encodable {
  package let id: String
  package let run, user, task, tier, firstSeen, lane: String?
  package let reason, detail: String
  package let attempts, bodyBytes: Int
  package let properties: [String: String]
  package let body: String?

  package init(_ letter: Letter, body: [UInt8]? = nil) {
    id = letter.id
    run = letter.run
    user = letter.userID
    task = letter.taskType
    tier = letter.claimedTier
    firstSeen = letter.firstSeen
    lane = letter.lane
    reason = letter.reason
    detail = letter.detail
    attempts = letter.attempts
    bodyBytes = letter.bodyBytes
    properties = Dictionary(letter.properties.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    self.body = body.map { String(decoding: $0, as: UTF8.self) }
  }
}
