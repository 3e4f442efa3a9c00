import Contracts
import Foundation
import Logging
import Synchronization
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

  private func replica(_ name: String, lag: Duration = .zero) throws -> Replicas {
    Replicas(of: try place.open(), process: name, lag: { lag }, logger: Logger(label: "test"))
  }

  private func count(_ condition: String) async throws -> Int {
    try await place.open().count("replica WHERE \(condition)")
  }

  private func add(_ process: String, aliveUntil: String, lag: Int = 0) async throws {
    try await place.open().execute(
      "INSERT INTO replica (process, alive_until, passed, lag_ms) VALUES ('\(process)', '\(aliveUntil)', 0, \(lag))")
  }

  /// Counted in until it is cancelled.
  private func attending(_ replica: Replicas, as name: String) async throws -> Task<Void, Never> {
    let attending = Task { await replica.attend { await untilCancelled() } }
    try await waitUntil("\(name) is counted in") { try await count("process = '\(name)'") == 1 }
    return attending
  }

  /// With the others running, whether a marker is passed; nil if that is not known within a time.
  private func passes(_ reader: Replicas, within time: Duration) async throws -> Bool? {
    try await withThrowingTaskGroup(of: Bool?.self) { group in
      group.addTask { [marker] in
        do { return try await reader.pass(marker) } catch is CancellationError { return nil }
      }
      group.addTask {
        try await Task.sleep(for: time)
        return nil
      }
      defer { group.cancelAll() }
      return try await group.next() ?? nil
    }
  }

  @Test func `a process alone passes at once`() async throws {
    #expect(try await passes(replica("a"), within: .seconds(120)) == true)
  }

  @Test func `a marker waits for what another process has in hand, and no longer`() async throws {
    let reader = try replica("a")
    let other = try replica("b")
    other.took()
    let attending = try await attending(other, as: "b")
    defer { attending.cancel() }
    #expect(try await passes(reader, within: .seconds(3)) == nil, "the other has not settled what it took")
    other.waits()
    other.took()
    other.waits()
    #expect(try await passes(reader, within: .seconds(120)) == true)
    other.took()
    #expect(try await passes(reader, within: .seconds(3)) == nil, "met again, it says nothing of what came since")
  }

  @Test func `who takes and takes is passed after two rounds`() async throws {
    let other = try replica("b")
    other.took()
    let attending = try await attending(other, as: "b")
    defer { attending.cancel() }
    let taking = Task {
      while !Task.isCancelled {
        other.waits()
        other.took()
        do { try await Task.sleep(for: .milliseconds(300)) } catch { return }
      }
    }
    defer { taking.cancel() }
    #expect(try await passes(replica("a"), within: .seconds(120)) == true)
  }

  @Test func `who has nothing in hand is passed, and leaves without a trace`() async throws {
    let attending = try await attending(replica("idle"), as: "idle")
    #expect(try await passes(replica("a"), within: .seconds(120)) == true)
    attending.cancel()
    await attending.value
    #expect(try await count("process = 'idle'") == 0)
  }

  @Test func `what one who is gone had in hand comes behind the marker, and is asked for once`() async throws {
    let leaving = try replica("leaving")
    leaving.took()
    let attending = try await attending(leaving, as: "leaving")
    attending.cancel()
    await attending.value
    #expect(try await count("process = 'leaving'") == 1, "it had something in hand")
    #expect(try await passes(replica("a"), within: .seconds(3)) == nil, "the broker may not have taken it back yet")

    try await place.open().execute("UPDATE replica SET alive_until = '2026-01-01T00:00:00.000Z'")
    #expect(try await passes(replica("a"), within: .seconds(120)) == false)
    #expect(try await passes(replica("b"), within: .seconds(120)) == true)
  }

  @Test func `work begins when the process is counted in, and what is long gone is forgotten`() async throws {
    try await add("old", aliveUntil: "2026-01-01T00:00:00.000Z")
    let counted = Mutex(-1)
    let replica = try replica("a")
    await replica.attend {
      do {
        let count = try await count("process IN ('a', 'old')")
        counted.withLock { $0 = count }
      } catch {
        Issue.record(error)
      }
    }
    #expect(counted.withLock { $0 } == 1)
  }

  @Test func `the lag of the others is that of the slowest that was heard of lately`() async throws {
    let silent = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000) + 38_000)  // its beat was 7 s ago
    try await add("silent", aliveUntil: silent.description, lag: 88_000)
    try await add("slow", aliveUntil: "2999-01-01T00:00:00.000Z", lag: 7000)
    try await add("slower", aliveUntil: "2999-01-01T00:00:00.000Z", lag: 9000)
    try await add("gone", aliveUntil: "2026-01-01T00:00:00.000Z", lag: 99_000)
    let replica = try replica("a", lag: .seconds(60))
    let attending = try await attending(replica, as: "a")
    defer { attending.cancel() }
    try await waitUntil("the lag is known") { replica.lagOfOthers == .seconds(9) }
    #expect(try await count("process = 'a' AND lag_ms = 60000") == 1)
  }
}

private func untilCancelled() async {
  while !Task.isCancelled {
    do { try await Task.sleep(for: .seconds(3600)) } catch { return }
  }
}
