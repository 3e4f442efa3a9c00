import Contracts
import Logging
import Testing
import TestKit

@testable import Billing

/// Processes that book together; each is an object of its own over the same database.
@Suite(.onEachStore) struct ReplicasTests {
  private let place: TestLedger
  private let marker: LedgerMarker

  init() async throws {
    place = try await TestLedger()
    marker = try #require(LedgerMarker(epoch: "0123456789abcdef0123456789abcdef01234567:1790000000000"))
  }

  private func replica(_ name: String) throws -> Replicas {
    Replicas(of: try place.open(), process: name, logger: Logger(label: "test"))
  }

  private func count(_ condition: String) async throws -> Int {
    try await place.open().count("replica WHERE \(condition)")
  }

  /// With the others running, whether a marker is passed within a time.
  private func passes(_ reader: Replicas, within time: Duration) async throws -> Bool {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask { [marker] in
        do { try await reader.pass(marker) } catch is CancellationError { return false }
        return true
      }
      group.addTask {
        try await Task.sleep(for: time)
        return false
      }
      defer { group.cancelAll() }
      return try await group.next() ?? false
    }
  }

  @Test func `a process alone passes at once`() async throws {
    #expect(try await passes(replica("a"), within: .seconds(5)))
  }

  @Test func `a marker waits for what another process has in hand, and no longer`() async throws {
    let reader = try replica("a")
    let other = try replica("b")
    other.took()
    let beating = Task { await other.run() }
    defer { beating.cancel() }
    try await waitUntil("it is counted in") { try await count("process = 'b'") == 1 }
    #expect(try await !passes(reader, within: .seconds(3)), "the other has not settled what it took")
    other.waits()
    other.took()
    #expect(try await !passes(reader, within: .seconds(2)), "it has taken more, perhaps from before the marker")
    other.waits()
    other.took()
    #expect(try await passes(reader, within: .seconds(5)))
  }

  @Test func `who has nothing in hand is passed, who is gone is not waited for`() async throws {
    let idle = try replica("idle")
    let beating = Task { await idle.run() }
    try await waitUntil("it is counted in") { try await count("process = 'idle'") == 1 }
    try await place.open().execute(
      "INSERT INTO replica (process, alive_until, passed) VALUES ('dead', '2026-01-01T00:00:00.000Z', 0)")
    #expect(try await passes(replica("a"), within: .seconds(5)))
    beating.cancel()
    await beating.value
    #expect(try await count("process = 'idle'") == 0)
  }
}
