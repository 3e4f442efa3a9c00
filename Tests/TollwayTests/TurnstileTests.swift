import Operations
import Synchronization
import TestKit
import Testing

struct TurnstileTests {
  private struct Silence: Error {}

  /// What was done, in order.
  private final class Deeds: Sendable {
    private let deeds = Mutex<[String]>([])

    var all: [String] { deeds.withLock { $0 } }

    func add(_ deed: String) { deeds.withLock { $0.append(deed) } }
  }

  /// Holds a turnstile's turn until it is told to end it.
  private final class Holder: Sendable {
    private let isIn = Mutex(false)
    private let end = Mutex<Result<Void, any Error>?>(nil)

    func hold(_ turns: Turnstile) async throws {
      try await turns.pass(.look) {
        isIn.withLock { $0 = true }
        try await waitUntil("the turn ends") { end.withLock { $0 } != nil }
        try end.withLock { $0 }?.get()
      }
    }

    func finish(_ result: Result<Void, any Error> = .success(())) { end.withLock { $0 = result } }

    var isHolding: Bool { isIn.withLock { $0 } }
  }

  /// A turnstile whose turn somebody has.
  private func whileTaken(
    _ turns: Turnstile, ending: Result<Void, any Error> = .success(()), _ body: () async throws -> Void
  ) async throws {
    let holder = Holder()
    let holding = Task { try await holder.hold(turns) }
    try await waitUntil("somebody is in") { holder.isHolding }
    try await body()
    holder.finish(ending)
    _ = await holding.result
  }

  @Test func `who is cancelled waits no longer and does nothing`() async throws {
    let turns = Turnstile(patience: .seconds(3600))
    let deeds = Deeds()
    try await whileTaken(turns) {
      let replay = Task { try await turns.pass(.change) { deeds.add("replay") } }
      try await waitUntil("it waits") { turns.waiting == 1 }
      replay.cancel()
      await #expect(throws: CancellationError.self) { try await replay.value }
      #expect(turns.waiting == 0)
    }
    #expect(deeds.all.isEmpty)
    try await turns.pass(.look) {}
  }

  @Test func `nobody waits longer than the patience`() async throws {
    let turns = Turnstile(patience: .milliseconds(50))
    try await whileTaken(turns) {
      await #expect(throws: Turnstile.Crowded.self) { try await turns.pass(.look) {} }
      #expect(turns.waiting == 0)
    }
  }

  @Test func `those who look leave places to changes, which go first`() async throws {
    let turns = Turnstile(places: 4, reserve: 1, patience: .seconds(3600))
    let deeds = Deeds()
    var visits: [Task<Void, any Error>] = []
    try await whileTaken(turns) {
      for number in 1...3 {
        visits.append(Task { try await turns.pass(.look) { deeds.add("look") } })
        try await waitUntil("it waits") { turns.waiting == number }
      }
      await #expect(throws: Turnstile.Crowded.self) { try await turns.pass(.look) {} }
      visits.append(Task { try await turns.pass(.change) { deeds.add("change") } })
      try await waitUntil("it waits") { turns.waiting == 4 }
      await #expect(throws: Turnstile.Crowded.self) { try await turns.pass(.change) {} }
    }
    for visit in visits { try await visit.value }
    #expect(deeds.all == ["change", "look", "look", "look"])
  }

  @Test func `what one has met that all would meet, all who wait are told at once`() async throws {
    let turns = Turnstile(patience: .seconds(3600)) { $0 is Silence }
    var visits: [Task<Void, any Error>] = []
    try await whileTaken(turns, ending: .failure(Silence())) {
      for number in 1...3 {
        visits.append(Task { try await turns.pass(.look) { throw NeverReached() } })
        try await waitUntil("it waits") { turns.waiting == number }
      }
    }
    for visit in visits { await #expect(throws: Silence.self) { try await visit.value } }
    try await turns.pass(.look) {}
  }

  @Test func `another failure is its own`() async throws {
    let turns = Turnstile(patience: .seconds(3600)) { $0 is Silence }
    var next: Task<Int, any Error>?
    try await whileTaken(turns, ending: .failure(NeverReached())) {
      next = Task { try await turns.pass(.look) { 7 } }
      try await waitUntil("it waits") { turns.waiting == 1 }
    }
    #expect(try await next?.value == 7)
  }

  private struct NeverReached: Error {}
}
