import Lanes

/// A letter as JSON; the body only where it was asked for.
struct LetterRow: Encodable {
  let id: String
  let run, user, task, tier, firstSeen, lane: String?
  let reason, detail: String
  let attempts, bodyBytes: Int
  let properties: [String: String]
  let body: String?

  init(_ letter: Letter, body: [UInt8]? = nil) {
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

extension Letter {
  var facts: Facts {
    var facts = Facts()
    facts.add("job", id)
    facts.add("run", run)
    facts.add("user", userID)
    facts.add("task", taskType)
    facts.add("claimed tier", claimedTier)
    facts.add("reason", reason, .red)
    facts.add("detail", detail.isEmpty ? nil : detail)
    facts.add("attempts", "\(attempts)")
    facts.add("first seen", firstSeen)
    facts.add("lane", lane)
    facts.add("body", "\(bodyBytes) bytes")
    for (name, value) in properties { facts.add(name, value) }
    return facts
  }
}
