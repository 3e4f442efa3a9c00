package import Lanes

/// A letter as JSON; the body only where it was asked for.
package struct LetterRow: Sendable, Encodable {
  package let id: String
  package let run, user, task, tier, firstSeen, lane: String?
  package let reason, detail: String
  package let attempts, bodyBytes: Int
  /// Of the sender's message; nil where they were left out.
  package let properties: [String: String]?
  package let body: String?

  package init(_ letter: Letter, body: [UInt8]? = nil) {
    let properties = Dictionary(
      letter.properties.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    self.init(letter, properties, body: body.map { String(decoding: $0, as: UTF8.self) })
  }

  /// Without what a sender may have written into its message's properties and headers.
  package init(withoutProperties letter: Letter) { self.init(letter, nil, body: nil) }

  private init(_ letter: Letter, _ properties: [String: String]?, body: String?) {
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
    self.properties = properties
    self.body = body
  }
}
