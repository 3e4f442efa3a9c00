/// A message of `costs.ledger` that is no cost event: whoever meets it knows that everything which was put into the
/// queue before it has been met, too. A worker sends one after Redis has lost its memory and the events that only
/// workers still knew of were announced again; until billing has come to it, nobody may spend against a hard limit.
package struct LedgerMarker: Sendable, Hashable {
  package static let contentType = "application/vnd.tollway.marker"

  /// Which memory of Redis it is about, as the key `epoch` says it: 40 hexadecimal digits, a colon, milliseconds. The
  /// milliseconds tell what follows a flush from what was before it.
  package let epoch: String

  /// Nil for any other text.
  package init?(epoch: String) {
    let parts = epoch.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].count == 40, (1...16).contains(parts[1].count),
      parts[0].allSatisfy({ Self.isDigit($0) || (0x61...0x66).contains($0) }),
      parts[1].allSatisfy(Self.isDigit)
    else { return nil }
    self.epoch = epoch
  }

  /// Reads the body of a message; nil for all that are no markers. No cost event looks like one.
  package init?(decoding body: [UInt8]) {
    guard body.count < 64 else { return nil }
    self.init(epoch: String(decoding: body, as: UTF8.self))
  }

  package func encoded() -> [UInt8] { Array(epoch.utf8) }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
