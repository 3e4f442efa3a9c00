import Contracts
import Redis

// The copy of the API keys that gateways read; the ledger database has the truth. What an entry holds is for those who
// make and ask keys.

extension AdmissionDesk {
  /// Beside ids of keys, which have no such sign. It stays when keys are taken away: a fleet that had a key once is not
  /// one without keys.
  private static let stampField = "!stamp"

  package struct KeyReading: Sendable, Equatable {
    /// Redis lost its memory: for so long nothing can be said.
    package var hold: Duration?
    /// Whether any key was ever made here.
    package var isAnyMade: Bool
    /// As `storeKeys` was given it.
    package var entry: [UInt8]?

    package init(hold: Duration?, isAnyMade: Bool, entry: [UInt8]?) {
      self.hold = hold
      self.isAnyMade = isAnyMade
      self.entry = entry
    }
  }

  /// Writes entries beside those that are there, in the place of those with the same id.
  package func storeKeys(_ entries: [(id: String, bytes: [UInt8])]) async throws(AdmissionError) {
    guard !entries.isEmpty else { return }
    var command = RedisCommand("HSET", capacity: entries.reduce(128) { $0 + $1.bytes.count + 48 }).arg(keys.apiKeys)
    for entry in entries { command = command.arg(entry.id).arg(entry.bytes) }
    _ = try await send([command, RedisCommand("HINCRBY").arg(keys.apiKeys).arg(Self.stampField).arg(1)])
  }

  package func removeKey(_ id: String) async throws(AdmissionError) {
    _ = try await send([
      RedisCommand("HDEL").arg(keys.apiKeys).arg(id),
      RedisCommand("HINCRBY").arg(keys.apiKeys).arg(Self.stampField).arg(1),
    ])
  }

  /// - Parameter ids: answers stand at the places of their questions.
  package func readKeys(_ ids: [String]) async throws(AdmissionError) -> [KeyReading] {
    let calls = ids.map { id in
      call(AdmissionScripts.key, 192).argRunID().arg(configuration.leaseLength.milliseconds).arg(id)
    }
    return try await run(calls, KeyReading.init(reading:))
  }

  /// Ids of all keys that the copy has, in no order: to compare it with the ledger.
  package func keyIDs() async throws(AdmissionError) -> [String] {
    let reply = try await send([RedisCommand("HKEYS").arg(keys.apiKeys)])[0]
    return (reply.array ?? []).compactMap(\.string).filter { $0 != Self.stampField }
  }
}

extension AdmissionDesk.KeyReading {
  /// The form that the header of `key.lua` promises; nil for anything else.
  fileprivate init?(reading value: RedisValue) {
    guard let parts = value.array, parts.count == 3, let hold = parts[0].int, let isAnyMade = parts[1].string,
      let entry = parts[2].bytes
    else { return nil }
    self.init(
      hold: hold > 0 ? .milliseconds(hold) : nil, isAnyMade: isAnyMade == "1", entry: entry.isEmpty ? nil : entry)
  }
}
