package import Contracts
import Redis

/// The waiting jobs of a user in a lane: one of the longest lines there are.
package struct WaitingLine: Sendable, Hashable {
  package var lane: Lane
  package var user: String
  package var waiting: Int
  /// Why the first of them does now; nil while nothing stands against it.
  package var reason: WaitReason?
  /// Leases that the user may hold, and leases and claims that are alive; the same in all lanes.
  package var limit: Int
  package var active: Int
  /// Estimates, from the server's time on; nil before a run of the user has ended.
  package var untilFirst: Duration?
  package var untilLast: Duration?
  /// As `Entitlement` encodes it; nil for a user without any.
  package var entitlement: [UInt8]?

  package init(
    lane: Lane, user: String, waiting: Int, reason: WaitReason?, limit: Int, active: Int, untilFirst: Duration?,
    untilLast: Duration?, entitlement: [UInt8]?
  ) {
    self.lane = lane
    self.user = user
    self.waiting = waiting
    self.reason = reason
    self.limit = limit
    self.active = active
    self.untilFirst = untilFirst
    self.untilLast = untilLast
    self.entitlement = entitlement
  }
}

extension AdmissionDesk {
  /// The longest lines of all lanes, the longest first, and the server's time. One round trip; looks at no more rooms than
  /// it names.
  package func longestLines(_ most: Int) async throws(AdmissionError) -> (lines: [WaitingLine], at: Timestamp) {
    let call = call(AdmissionScripts.lines, 160)
      .argRunID().arg(configuration.leaseLength.milliseconds).arg(Int64(most))
    return try await run([call]) { value in
      guard let parts = value.array, let now = parts.first?.int else { return nil }
      return (parts.dropFirst().compactMap(WaitingLine.init(reading:)), Timestamp(milliseconds: now))
    }[0]
  }
}

extension WaitingLine {
  /// Nil for any other form, and for lanes of a newer release.
  fileprivate init?(reading value: RedisValue) {
    guard let parts = value.array, parts.count == 9, let lane = parts[0].string.flatMap(Lane.init(rawValue:)),
      let user = parts[1].string.flatMap(Identifier.text(base64url:)), let waiting = parts[2].int,
      let reason = parts[3].string, let limit = parts[4].int, let active = parts[5].int, let first = parts[6].int,
      let last = parts[7].int, let entitlement = parts[8].bytes
    else { return nil }
    self.init(
      lane: lane, user: user, waiting: Int(waiting), reason: WaitReason(rawValue: reason), limit: Int(limit),
      active: Int(active), untilFirst: first < 0 ? nil : .milliseconds(first),
      untilLast: last < 0 ? nil : .milliseconds(last),
      entitlement: entitlement.isEmpty ? nil : entitlement)
  }
}
