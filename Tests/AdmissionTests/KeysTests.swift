import Admission
import Contracts
import Redis
import Testing

extension StillClockTests {
  /// Redis' copy of the API keys.
  @Suite struct KeysTests {
    private func key(_ name: String = "studio") -> APIKey {
      APIKey.make(name: name, scopes: [.submit], users: .everybody).key
    }

    @Test func `keys are as they were last written, and none are known while memory is lost`() async throws {
      let bench = try await AdmissionBench.still()
      let none = try await bench.desk.readKeys(["k1"])[0]
      #expect(none.hold == nil && !none.isAnyMade && none.entry == nil)
      let (one, two) = (key(), key())
      #expect(try await bench.desk.storeKeys([one, two]) == 2)
      #expect(try await bench.desk.storeKeys([one, two]) == 0)
      var renamed = one
      renamed.name = #"tea "revoked":true"#
      #expect(try await bench.desk.storeKeys([renamed]) == 1)
      let read = try await bench.desk.readKeys([one.id, two.id, "k3"])
      #expect(read.map(\.entry) == [renamed.encoded(), two.encoded(), nil] && read.allSatisfy(\.isAnyMade))
      #expect(try await bench.desk.storedKeys() == [one.id: renamed, two.id: two])
      #expect(try await bench.desk.removeKeys([one.id, two.id, "k3"]) == 2)
      #expect(try await bench.desk.readKeys([one.id])[0].isAnyMade)
      #expect(try await bench.desk.storedKeys().isEmpty)
      try await bench.wipe()
      let lost = try await bench.desk.readKeys([one.id])[0]
      #expect(lost.hold == .seconds(30) && lost.epoch != none.epoch)
    }

    @Test func `a revoked key stays revoked, whoever writes it later`() async throws {
      let bench = try await AdmissionBench.still()
      let known = key()
      var revoked = known
      revoked.isRevoked = true
      try await bench.desk.storeKeys([known, revoked])
      #expect(try await bench.desk.storeKeys([known, key("other")]) == 1)
      #expect(try await bench.desk.storedKeys()[known.id] == revoked)
    }

    @Test func `what is no key is shown as such and written over`() async throws {
      let bench = try await AdmissionBench.still()
      let known = key()
      for text in ["", "{", "[]", #"{"revoked":"#, #"{"revoked":1}"#] {
        _ = try await bench.redis.command(RedisCommand("HSET").arg(bench.keys.apiKeys).arg(known.id).arg(text))
        #expect(try await bench.desk.storedKeys() == [known.id: nil])
        #expect(try await bench.desk.storeKeys([known]) == 1)
      }
    }

    @Test func `many keys are written together`() async throws {
      let bench = try await AdmissionBench.still()
      let many = (0..<250).map { key("k\($0)") }
      #expect(try await bench.desk.storeKeys(many) == 250)
      #expect(try await bench.desk.storedKeys().count == 250)
    }
  }
}
