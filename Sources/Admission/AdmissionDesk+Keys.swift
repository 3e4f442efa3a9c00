package import Contracts
import Redis

// The copy of the API keys that gateways read; the ledger database has the truth.

extension AdmissionDesk {
  /// Beside ids of keys, which have no such sign. It stays when keys are taken away: a fleet that had a key once is not
  /// one without keys.
  private static let stampField = "!stamp"

  package struct KeyReading: Sendable, Equatable {
    /// Redis lost its memory: for so long nothing can be said.
    package var hold: Duration?
    /// Whether this memory of Redis was ever told a key.
    package var isAnyMade: Bool
    /// As `APIKey` encodes itself; nil for a key that is not known.
    package var entry: [UInt8]?
    /// Names the memory.
    package var epoch: String

    package init(hold: Duration?, isAnyMade: Bool, entry: [UInt8]?, epoch: String) {
      self.hold = hold
      self.isAnyMade = isAnyMade
      self.entry = entry
      self.epoch = epoch
    }
  }

  /// Writes keys beside those that are there; one that is revoked there stays so. Answers how many entries were changed.
  @discardableResult
  package func storeKeys(_ written: [APIKey]) async throws(AdmissionError) -> Int {
    var calls: [RedisScriptCall] = []
    for first in stride(from: 0, to: written.count, by: Self.keysOfACall) {
      var call = call(AdmissionScripts.storeKeys, 32 << 10)
      for key in written[first..<min(first + Self.keysOfACall, written.count)] {
        call = call.arg(key.id).arg(key.encoded())
      }
      calls.append(call)
    }
    guard !calls.isEmpty else { return 0 }
    return Int(try await run(calls) { $0.int }.reduce(0, +))
  }

  /// Answers how many were there.
  @discardableResult
  package func removeKeys(_ ids: [String]) async throws(AdmissionError) -> Int {
    guard !ids.isEmpty else { return 0 }
    var command = RedisCommand("HDEL", capacity: 64 + ids.count * 24).arg(keys.apiKeys)
    for id in ids { command = command.arg(id) }
    return Int(try await send([command])[0].int ?? 0)
  }

  /// - Parameter ids: answers stand at the places of their questions.
  package func readKeys(_ ids: [String]) async throws(AdmissionError) -> [KeyReading] {
    let calls = ids.map { id in
      call(AdmissionScripts.key, 192).argRunID().arg(configuration.leaseLength.milliseconds).arg(id)
    }
    return try await run(calls, KeyReading.init(reading:))
  }

  /// All that the copy has, by their ids, to compare it with the ledger; nil for what is no key of ours.
  package func storedKeys() async throws(AdmissionError) -> [String: APIKey?] {
    let fields = try await send([RedisCommand("HGETALL").arg(keys.apiKeys)])[0].array ?? []
    var stored: [String: APIKey?] = [:]
    for index in stride(from: 0, to: fields.count - 1, by: 2) {
      guard let id = fields[index].string, id != Self.stampField else { continue }
      stored.updateValue(fields[index + 1].bytes.flatMap(APIKey.init(decoding:)), forKey: id)
    }
    return stored
  }

  private static let keysOfACall = 100
}

extension AdmissionDesk.KeyReading {
  /// The form that the header of `key.lua` promises; nil for anything else.
  fileprivate init?(reading value: RedisValue) {
    guard let parts = value.array, parts.count == 4, let hold = parts[0].int, let isAnyMade = parts[1].string,
      let entry = parts[2].bytes, let epoch = parts[3].string
    else { return nil }
    self.init(
      hold: hold > 0 ? .milliseconds(hold) : nil, isAnyMade: isAnyMade == "1", entry: entry.isEmpty ? nil : entry,
      epoch: epoch)
  }
}
