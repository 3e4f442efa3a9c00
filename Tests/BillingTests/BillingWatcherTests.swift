import Catalog
import Contracts
import Logging
import Synchronization
import TestKit
import Testing

@testable import Billing

struct BillingWatcherTests {
  private let events: [CostEvent]

  init() throws { events = try randomEvents(6, seed: 21) }

  private func watcher(
    _ ledger: any LedgerStore, _ arrivals: FakeArrivals, books: FakeBooks = FakeBooks(),
    log: RecordingLog = RecordingLog(), clock: any Clock<Duration> = SkippingClock(),
    onBatch: @escaping @Sendable (BookedBatch) -> Void = { _ in }
  ) -> BillingWatcher<FakeArrivals> {
    BillingWatcher(
      ledger: ledger, books: books, arrivals: arrivals, policy: { builtInPolicy }, logger: log.logger, clock: clock,
      now: { Timestamp(milliseconds: 1_900_000_000_000) }, onBatch: onBatch)
  }

  @Test func `what was committed is acked, batch by batch, until the source ends`() async throws {
    let folder = try TemporaryFolder()
    let ledger = try Ledger(path: folder.ledgerPath)
    let arrivals = FakeArrivals([Array(events[..<4]), Array(events[4...])])
    await watcher(ledger, arrivals).run()
    #expect(try await ledger.count("usage_cost") == 6)
    #expect(arrivals.settled == [[0, 1, 2, 3], [4, 5]])
  }

  @Test func `more than 1,000 at once are several batches`() async throws {
    let folder = try TemporaryFolder()
    let ledger = try Ledger(path: folder.ledgerPath)
    let arrivals = FakeArrivals([try randomEvents(1001, seed: 22)])
    await watcher(ledger, arrivals).run()
    #expect(arrivals.settled.map(\.count) == [1000, 1])
    #expect(try await ledger.count("usage_cost") == 1001)
  }

  @Test(arguments: [LedgerError.Code.busy, .diskFull, .corrupt, .unexpected])
  func `nothing is acked while the ledger fails, and all of it afterwards`(code: LedgerError.Code) async throws {
    let arrivals = FakeArrivals([events])
    let ledger = FakeLedger(failures: Array(repeating: LedgerError(code, "no"), count: 20)) {
      #expect(arrivals.settled.isEmpty)
    }
    let log = RecordingLog()
    await watcher(ledger, arrivals, log: log).run()
    #expect(arrivals.settled == [[0, 1, 2, 3, 4, 5]])
    #expect(log.texts.count == 2)
    #expect(log.texts.first?.hasPrefix("error the ledger cannot be written") == true)
    // 0.1 + 0.2 + ... + 6.4 s, then 13 pauses of 10 s.
    #expect(log.texts.last == "info the ledger is written again [duration: 142.7 seconds]")
  }

  @Test func `a cancelled watcher acks nothing of what it has in hand`() async throws {
    let arrivals = FakeArrivals([events])
    let (failed, signal) = AsyncStream.makeStream(of: Void.self)
    let ledger = FakeLedger(failures: Array(repeating: LedgerError(.busy, "no"), count: 1000)) { signal.yield() }
    let running = Task { [self] in await watcher(ledger, arrivals, clock: ContinuousClock()).run() }
    var failures = failed.makeAsyncIterator()
    await failures.next()
    running.cancel()
    await running.value
    #expect(arrivals.settled.isEmpty)
  }

  @Test func `refused events are counted, told in one line, and acked`() async throws {
    let folder = try TemporaryFolder()
    let ledger = try Ledger(path: folder.ledgerPath)
    let other = try costEvent(job: "j0", run: "r0", attempt: 1)
    let log = RecordingLog()
    let booked = Mutex<[BookedBatch]>([])
    let arrivals = FakeArrivals([events + [events[0], other]], redelivered: true)
    await watcher(ledger, arrivals, log: log) { batch in booked.withLock { $0.append(batch) } }.run()
    let batch = try #require(booked.withLock { $0.first })
    #expect((batch.inserted, batch.duplicates, batch.conflicts, batch.quarantined) == (6, 1, 1, 0))
    #expect(batch.redelivered == 8)
    let oldest = try #require(events.map(\.time).min())
    #expect(batch.lag == .milliseconds(1_900_000_000_000 - oldest.milliseconds))
    #expect(log.texts == ["error cost events were quarantined [count: 1] [reason: conflict on j0/r0/1]"])
    #expect(arrivals.settled.count == 1)
  }

  @Test func `the books know of a batch before it is acked, and of one that came again too`() async throws {
    let folder = try TemporaryFolder()
    let ledger = try Ledger(path: folder.ledgerPath)
    let arrivals = FakeArrivals([events, events])
    let books = FakeBooks { #expect(arrivals.settled.count < 2) }
    await watcher(ledger, arrivals, books: books).run()
    let ids = Set(events.map(\.id))
    #expect(books.booked.map { Set($0.flatMap(\.eventIDs)) } == [ids, ids])
    #expect(books.booked[0].map(\.month.lastRow).max() == 6)
    #expect(Set(books.booked[0].map(\.month)) == Set(books.booked[1].map(\.month)))
  }

  @Test func `while the books cannot be written nothing is acked, and it is told once`() async throws {
    let folder = try TemporaryFolder()
    let ledger = try Ledger(path: folder.ledgerPath)
    let arrivals = FakeArrivals([events])
    let books = FakeBooks(failures: 20) { #expect(arrivals.settled.isEmpty) }
    let log = RecordingLog()
    await watcher(ledger, arrivals, books: books, log: log).run()
    #expect(arrivals.settled.count == 1)
    #expect(books.booked.count == 1)
    #expect(log.texts.count == 2)
    #expect(log.texts.first?.hasPrefix("error admission's books cannot be written") == true)
    #expect(log.texts.last == "info admission's books are written again [duration: 142.7 seconds]")
    #expect(try await ledger.count("usage_cost") == 6)
  }

  @Test func `a marker is followed when all before it is booked and nothing behind it`() async throws {
    let folder = try TemporaryFolder()
    let ledger = try Ledger(path: folder.ledgerPath)
    let marker = try #require(LedgerMarker(epoch: String(repeating: "0a", count: 20) + ":1790000000000"))
    let bodies = events.map { $0.encoded() }
    let arrivals = FakeArrivals(bodies: [Array(bodies[..<4]) + [marker.encoded()] + Array(bodies[4...])])
    let books = FakeBooks()
    await watcher(ledger, arrivals, books: books).run()
    #expect(books.followed == [marker])
    #expect(books.rowsAtMarker == 4)
    #expect(arrivals.settled == [[0, 1, 2, 3], [4], [5, 6]])
    #expect(try await ledger.count("usage_cost") == 6)
    #expect(try await ledger.count("quarantined_event") == 0)
  }
}

/// Serves its batches one after the other and remembers what was settled, by position.
private final class FakeArrivals: CostArrivals {
  private let waiting: Mutex<[[CostArrival<Int>]]>
  private let done = Mutex<[[Int]]>([])

  init(bodies: [[[UInt8]]], redelivered: Bool = false) {
    var number = -1
    waiting = Mutex(
      bodies.map { batch in
        batch.map { body in
          number += 1
          return CostArrival(body: body, token: number, redelivered: redelivered)
        }
      })
  }

  convenience init(_ batches: [[CostEvent]], redelivered: Bool = false) {
    self.init(bodies: batches.map { $0.map { $0.encoded() } }, redelivered: redelivered)
  }

  var settled: [[Int]] { done.withLock { $0 } }

  func next() async -> [CostArrival<Int>] {
    waiting.withLock { $0.isEmpty ? [] : $0.removeFirst() }
  }

  func settle(_ arrivals: [CostArrival<Int>]) async {
    done.withLock { $0.append(arrivals.map(\.token)) }
  }
}

/// Fails as often as told, then takes everything.
private final class FakeLedger: LedgerStore {
  private let failures: Mutex<[LedgerError]>
  private let onRecord: @Sendable () -> Void

  init(failures: [LedgerError], onRecord: @escaping @Sendable () -> Void) {
    self.failures = Mutex(failures)
    self.onRecord = onRecord
  }

  func record(_ events: [ArrivedEvent], under policy: Policy) async throws(LedgerError) -> RecordedBatch {
    onRecord()
    if let failure = failures.withLock({ $0.popLast() }) { throw failure }
    return RecordedBatch(outcomes: events.map { _ in .duplicate }, months: [])
  }

  func report(_ query: LedgerQuery) async throws(LedgerError) -> LedgerReport { fatalError("not asked here") }
  func userMonth(of user: String, period: String) async throws(LedgerError) -> UserMonth? { fatalError("nor this") }
  func months(of periods: [String], after last: UserMonth?, limit: Int) async throws(LedgerError) -> [UserMonth] { [] }
  func booked(_ eventIDs: [String]) async throws(LedgerError) -> [BookedMonth] { [] }
  func unsentAlerts(limit: Int) async throws(LedgerError) -> [StoredAlert] { [] }
  func markSent(_ alerts: [StoredAlert]) async throws(LedgerError) {}
}

/// Remembers what it was told, after as many failures as wished.
private final class FakeBooks: MonthBooks {
  private struct State {
    var failures: Int
    var booked: [[BookedMonth]] = []
    var followed: [LedgerMarker] = []
    var rowsAtMarker: Int64 = 0
  }

  private let state: Mutex<State>
  private let onBook: @Sendable () -> Void

  init(failures: Int = 0, onBook: @escaping @Sendable () -> Void = {}) {
    state = Mutex(State(failures: failures))
    self.onBook = onBook
  }

  var booked: [[BookedMonth]] { state.withLock(\.booked) }
  var followed: [LedgerMarker] { state.withLock(\.followed) }
  /// The largest row number that it knew of when it was told to follow a marker.
  var rowsAtMarker: Int64 { state.withLock(\.rowsAtMarker) }

  func book(_ months: [BookedMonth]) async throws {
    onBook()
    try state.withLock { state in
      state.failures -= 1
      if state.failures >= 0 { throw Unreachable() }
      state.booked.append(months)
    }
  }

  func catchUp(_ marker: LedgerMarker) async throws {
    state.withLock { state in
      state.followed.append(marker)
      state.rowsAtMarker = state.booked.joined().map(\.month.lastRow).max() ?? 0
    }
  }

  private struct Unreachable: Error {}
}

/// A clock on which every pause is over at once.
private final class SkippingClock: Clock {
  private let time = Mutex(ContinuousClock().now)

  var now: ContinuousClock.Instant { time.withLock { $0 } }
  var minimumResolution: Duration { .nanoseconds(1) }

  func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
    try Task.checkCancellation()
    time.withLock { $0 = max($0, deadline) }
  }
}

extension RecordingLog {
  /// As `level message [key: value]`.
  fileprivate var texts: [String] {
    lines.map { line in
      let fields = line.metadata.sorted { $0.key < $1.key }.map { " [\($0.key): \($0.value)]" }
      return "\(line.level) \(line.message)\(fields.joined())"
    }
  }
}
