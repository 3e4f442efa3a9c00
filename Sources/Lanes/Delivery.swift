import AMQP
package import Contracts

/// One arrival of a job message, out of the broker's terms. Settled once, through the intake that brought it. A class,
/// because it goes through a dozen hands and a copy of all its texts would cost a retain for each.
package final class Delivery: Sendable {
  /// Where it was found; nil in the intake queue, which holds messages with any other routing key. Of a head, the lane
  /// that its bay serves.
  package let lane: Lane?
  /// The parking bay whose head it was; nil for one from a lane.
  package let bay: Int?
  /// Numbers the deliveries of this process.
  package let serial: UInt64
  package let body: [UInt8]
  package let messageID: String?
  package let isRedelivered: Bool
  /// When the fleet first saw the job: from the header of a copy, else the sender's timestamp.
  package let firstSeen: Timestamp?
  /// How often it was handed back before.
  package let trips: Int
  /// Number of this copy of the job's message, 0 for the original. A header, so anybody who may publish can claim any: it
  /// may decide about this job's own duplicates, nothing else. One that no bay can have had (above a million) is a fault.
  package let copy: Int
  /// Whether it waits in its tier's lane because that is its tier's, not because its sender chose a lower one.
  package let followsTier: Bool
  /// The run that this message replays or releases.
  package let replays: String?
  /// Why it can be no job whatever its body says: too large, or headers that cannot be read.
  package let fault: String?

  /// To which its sender, or who parked it, sent it; a head's bay may serve another one by now.
  package var sentLane: Lane? { Lane(rawValue: message.routingKey) }

  /// As of a job of this body; of one that was too large to be held, too.
  package var digest: String {
    message.oversize.map { String($0.sha256.prefix(32)) } ?? JobMessage.digest(of: body)
  }

  let message: AMQPDelivery
  private let share: ByteBudget.Share

  init(_ message: AMQPDelivery, lane: Lane?, bay: Int? = nil, serial: UInt64, topology: Topology, budget: ByteBudget) {
    share = budget.take(message.body.count + message.propertyBytes)
    self.lane = lane
    self.bay = bay
    self.serial = serial
    self.message = message
    body = message.body
    messageID = message.properties.messageId
    isRedelivered = message.redelivered
    let headers = message.properties.headers
    let seen =
      headers[Header.firstSeen]?.int
      ?? message.properties.timestamp.flatMap { Int64(exactly: $0) }.flatMap {
        $0 < 253_402_300_800 ? $0 * 1000 : nil
      }
    firstSeen = seen.flatMap { $0 > 0 && $0 < 253_402_300_800_000 ? Timestamp(milliseconds: $0) : nil }
    trips = headers[Header.trips]?.int.map { Int(min(max(0, $0), 1_000_000)) } ?? 0
    copy = headers[Header.copy]?.int.flatMap { (0...Self.maximumCopy).contains($0) ? Int($0) : nil } ?? 0
    followsTier = headers[Header.ownLane]?.int == 1
    replays = headers[Header.replays]?.string.flatMap { Identifier.isValid($0) ? $0 : nil }
    fault = Self.fault(of: message, topology: topology)
  }

  private static let maximumCopy: Int64 = 1_000_000

  /// Larger properties are refused: a copy adds headers of ours, and must fit a frame of the broker as well.
  static let maximumPropertyBytes = 16 << 10

  private static func fault(of message: AMQPDelivery, topology: Topology) -> String? {
    if let oversize = message.oversize {
      return "body of \(oversize.bytes) bytes is larger than \(JobMessage.maximumBytes)"
    }
    if message.propertyBytes > maximumPropertyBytes {
      return "properties of \(message.propertyBytes) bytes are larger than \(maximumPropertyBytes)"
    }
    if let hostility = message.hostility { return "properties cannot be read: \(hostility)" }
    if let type = message.properties.contentType, !type.isEmpty, !type.lowercased().hasPrefix("application/json") {
      return "content-type is not application/json"
    }
    if let copy = message.properties.headers[Header.copy]?.int, !(0...maximumCopy).contains(copy) {
      return "\(Header.copy) is out of range"
    }
    if let replyTo = message.properties.replyTo, topology.owns(queue: replyTo) {
      return "reply_to names a queue of the fleet"
    }
    return nil
  }
}

/// The headers that the fleet adds to copies and letters.
package enum Header {
  static let prefix = "x-tollway-"
  package static let firstSeen = "x-tollway-first-seen"
  package static let trips = "x-tollway-trips"
  package static let copy = "x-tollway-copy"
  /// 1 on a parked copy whose lane was its tier's: should the tier change, it follows.
  package static let ownLane = "x-tollway-own-lane"
  package static let replays = "x-tollway-replays"
  package static let run = "x-tollway-run"
  package static let lane = "x-tollway-lane"
  package static let reason = "x-tollway-reason"
  package static let detail = "x-tollway-detail"
  package static let attempts = "x-tollway-attempts"
  /// Milliseconds, of letters in `jobs.blocked`.
  package static let blockedAt = "x-tollway-blocked-at"
  package static let bodyBytes = "x-tollway-body-bytes"
  package static let bodyDigest = "x-tollway-body-sha256"

  /// What must not stand on a copy: what the broker itself writes (some versions count it and drop the message as a
  /// dead-letter cycle), and the senders' own further routing keys, which would route our copies too.
  static func mustStayBehind(_ key: String) -> Bool {
    key.hasPrefix("x-death") || key.hasPrefix("x-first-death-") || key.hasPrefix("x-last-death-")
      || ["x-delivery-count", "x-acquired-count", "CC", "BCC"].contains(key)
  }
}
