import Admission
import Contracts
import Testing

extension StillClockTests {
  /// What a wave of jobs is planned with, and the freeze that lies in it.
  @Suite struct OutlookTests {
    @Test func `one round trip brings rows in the order of the jobs, who rests, the time and the freeze`() async throws
    {
      let bench = try await AdmissionBench.still()
      let jobs = [try bench.job("a"), try bench.job("b", user: "ben"), try bench.job("c")]
      let entitlement = Entitlement(concurrency: 7)
      try await bench.desk.store(entitlement, of: "ben")
      _ = try await bench.desk.report([BreakerReport(scope: "openai", shut: .rate, pause: .seconds(9))])
      let outlook = try await bench.desk.outlook(of: jobs)
      #expect(outlook.rows == [nil, entitlement.encoded(), nil])
      #expect(outlook.now.milliseconds == bench.now && outlook.freeze == nil)
      let state = BreakerState(
        scope: "openai", reason: .rate, since: outlook.now, retryAt: Timestamp(milliseconds: bench.now + 9000))
      #expect(outlook.breakers == ["openai": state])
      #expect(try await bench.desk.breakers().1 == outlook.breakers)
    }

    @Test func `an outlook for no job still tells who rests and what is frozen`() async throws {
      let bench = try await AdmissionBench.still()
      try await bench.desk.setFreeze(id: "f1", [1])
      let outlook = try await bench.desk.outlook(of: [])
      #expect(outlook.rows.isEmpty && outlook.breakers.isEmpty && outlook.freeze == "f1")
    }

    @Test func `a freeze is on, off or not known, and stays beside what users were given`() async throws {
      let bench = try await AdmissionBench.still()
      let unknown = try await bench.desk.freeze()
      #expect(unknown.id == nil && unknown.bytes == nil)
      try await bench.desk.setFreeze(id: "f1", [0, 255, 10])
      let first = try await bench.desk.freeze()
      #expect(first.id == "f1" && first.bytes == [0, 255, 10])
      try await bench.desk.store(Entitlement(tier: "PRO"), of: "ana")
      try await bench.desk.store(nil, of: "ana")
      #expect(try await bench.desk.outlook(of: [try bench.job("a")]).freeze == "f1")
      try await bench.desk.setFreeze(id: "f2", [2])
      #expect(try await bench.desk.freeze().bytes == [2])
      try await bench.desk.clearFreeze()
      let off = try await bench.desk.freeze()
      #expect(off.id == AdmissionDesk.noFreeze && off.bytes == nil)
      #expect(try await bench.desk.outlook(of: []).freeze == AdmissionDesk.noFreeze)
    }
  }
}
