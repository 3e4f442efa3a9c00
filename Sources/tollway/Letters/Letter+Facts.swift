import Lanes

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
