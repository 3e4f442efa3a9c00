import Redis

// The copy of the freeze that the workers read; the ledger database has the truth. Its id lies among the entitlements,
// which are read with every wave; what it holds lies beside them and is read when the id changed.

extension AdmissionDesk {
  /// Stands in the place of an id while nothing is frozen. No id of a freeze is this word.
  package static let noFreeze = "off"

  /// Beside users in base64url, which have no such sign.
  static let freezeField = "!freeze"

  /// What it holds is there before the id that makes the workers read it.
  package func setFreeze(id: String, _ bytes: [UInt8]) async throws(AdmissionError) {
    _ = try await send([RedisCommand("SET", capacity: bytes.count + 128).arg(keys.freeze).arg(bytes)])
    _ = try await send([RedisCommand("HSET").arg(keys.entitlements).arg(Self.freezeField).arg(id)])
  }

  package func clearFreeze() async throws(AdmissionError) {
    _ = try await send([RedisCommand("HSET").arg(keys.entitlements).arg(Self.freezeField).arg(Self.noFreeze)])
  }

  /// The id as in `Outlook.freeze`.
  package func freezeID() async throws(AdmissionError) -> String? {
    try await send([RedisCommand("HGET").arg(keys.entitlements).arg(Self.freezeField)])[0].string
  }

  /// The id as in `Outlook.freeze`, and what `setFreeze` was given; nil while nothing is frozen. While another freeze
  /// is being set the bytes may be its already: they carry their own id.
  package func freeze() async throws(AdmissionError) -> (id: String?, bytes: [UInt8]?) {
    let replies = try await send([
      RedisCommand("HGET").arg(keys.entitlements).arg(Self.freezeField), RedisCommand("GET").arg(keys.freeze),
    ])
    guard let id = replies[0].string, id != Self.noFreeze else { return (replies[0].string, nil) }
    return (id, replies[1].bytes)
  }
}
