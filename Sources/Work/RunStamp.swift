package import Contracts

/// The short stamp that tells the runs of a job apart: from the clock where a run begins, from the body where a
/// message ends before any run and the same end may have to be said twice.
package enum RunStamp {
  /// Milliseconds since 1970 and a random number below 1296, in base 36: ten characters.
  package static func fresh(at time: Timestamp) -> String {
    let random = String(UInt64.random(in: 0..<1296), radix: 36)
    return Identifier.base36(UInt64(max(0, time.milliseconds))) + (random.utf8.count < 2 ? "0" : "") + random
  }

  static func of(_ digest: String) -> String { String(digest.prefix(10)) }

  /// - Parameter replays: the run that this one follows; nil for the first.
  static func of(_ digest: String, after replays: String?) -> String {
    guard let replays else { return of(digest) }
    return of(JobMessage.digest(of: Array("\(replays)/\(digest)".utf8)))
  }
}
