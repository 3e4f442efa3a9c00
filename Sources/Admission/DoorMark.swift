package import Contracts

/// Whose the id of a message is.
package enum JobIDHolder: Sendable, Equatable {
  case nobody
  /// A job's that the door let in and that no worker knows.
  case accepted(DoorMark)
  /// A job's that workers know, with the digest of its body.
  case known(digest: String)
}

/// What the door remembers of a job that it let in, until a worker knows the job.
package struct DoorMark: Sendable, Equatable {
  /// base64url.
  package var userKey: String
  /// Of the body that came in.
  package var digest: String
  package var lane: Lane?
  package var acceptedAt: Timestamp
  package var tier: String

  /// As `door.lua` writes it; nil for anything else.
  init?(reading text: String) {
    let words = text.split(separator: " ", maxSplits: 4)
    guard words.count == 5, let accepted = Int64(words[3]) else { return nil }
    userKey = String(words[0])
    digest = String(words[1])
    lane = Lane(rawValue: String(words[2]))
    acceptedAt = Timestamp(milliseconds: accepted)
    tier = String(words[4])
  }
}
