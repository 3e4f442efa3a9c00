/// An act of an administrator that leaves no row of its own elsewhere: letters that were replayed or released, a job that
/// was cancelled. Written before the act; what came of it is written afterwards, once. One without an outcome was under way
/// when the process or the ledger went away, or still is.
package enum Intervention {
  /// The raw values stand in the ledger.
  package enum Act: String, Sendable, CaseIterable {
    case deadReplay = "dead.replay"
    case blockedRelease = "blocked.release"
    case jobCancel = "job.cancel"
  }

  /// What it was done to: ids, or the filter that chose. Never a text of a message.
  package struct Target: Sendable, Hashable {
    package var text: String
    /// How many were named; nil where a filter chose.
    package var count: Int?

    /// - Parameter ids: those that no longer fit are counted only.
    package init(ids: [String]) {
      count = ids.count
      text = ""
      for (index, id) in ids.enumerated() {
        let more = " and \(ids.count - index) more"
        guard text.utf8.count + id.utf8.count + 1 <= Self.longest - more.utf8.count else {
          text += more
          return
        }
        text += (index == 0 ? "" : " ") + id
      }
    }

    /// All that a filter lets through.
    package init(reasons: [String]?, userID: String?) {
      let words = [reasons.map { "reason=\($0.joined(separator: ","))" }, userID.map { "user=\($0)" }]
      let filter = (["all"] + words.compactMap(\.self)).joined(separator: " ")
      text = String(decoding: filter.utf8.prefix(Self.longestFilter), as: UTF8.self)
      count = nil
    }

    /// In bytes: a thousand ids of the longest kind.
    private static let longest = 130_000
    private static let longestFilter = 512
  }

  package struct Outcome: Sendable, Hashable {
    package var done: Int
    package var kept: Int

    package init(done: Int, kept: Int) {
      self.done = done
      self.kept = kept
    }
  }
}
