import Catalog
import Contracts
import Foundation
import GRDB
import TestKit
import Testing

@testable import Billing

/// A directory of its own for each test, removed with the value.
final class TemporaryFolder: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "tollway-billing-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  var ledgerPath: String { url.appending(path: "ledger.db").path }

  deinit {
    do {
      try FileManager.default.removeItem(at: url)
    } catch {
      print("the folder of a test stays behind: \(error)")
    }
  }
}

/// What the ledgers of a test are kept in.
enum Store: Sendable {
  case sqlite
  /// An empty database of the test's own.
  case postgres(url: String)

  @TaskLocal static var current = Store.sqlite
}

/// Runs each test of a suite on SQLite, and where a server is named for the tests on PostgreSQL, too.
struct OnEachStore: SuiteTrait, TestTrait, TestScoping {
  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
  ) async throws {
    guard testCase != nil else { return try await function() }
    try await Store.$current.withValue(.sqlite) { try await function() }
    guard LivePostgres.isNamed else { return }
    try await LivePostgres.shared().withDatabase { url in
      try await Store.$current.withValue(.postgres(url: url)) { try await function() }
    }
  }
}

extension Trait where Self == OnEachStore {
  static var onEachStore: Self { OnEachStore() }
}

/// The place of one test's ledger, which goes with this value. It can be opened any number of times.
final class TestLedger: Sendable {
  private let folder: TemporaryFolder

  init() async throws {
    folder = try TemporaryFolder()
  }

  func open(now: @escaping @Sendable () -> Timestamp = { wallClock() }) throws(LedgerError) -> Ledger {
    switch Store.current {
    case .sqlite: try Ledger(path: folder.ledgerPath, now: now)
    case .postgres(let url): Ledger(database: try PostgresDatabase(url: url), now: now)
    }
  }
}

/// A cost event with plain values; tests change what they are about.
func costEvent(
  job: String = "j1", run: String = "r1", attempt: Int = 1, user: String = "anna", tier: String = "PRO",
  task: TaskType = .tts, provider: String = "piper", outcome: AttemptOutcome = .success, nanoUSD: Int64 = 61_700_000,
  usage: [Usage] = [Usage(.characters, ExactDecimal(1234), .provider)],
  time: String = "2026-11-21T10:15:30.123Z", period: String = "2026-11", corrects: String? = nil, correction: Int? = nil
) throws -> CostEvent {
  guard let time = Timestamp(time) else { throw CocoaError(.formatting) }
  return CostEvent(
    jobID: job, run: run, attempt: attempt, seriesID: "s1", userID: user, tier: tier, taskType: task,
    provider: provider, model: "\(provider)-model", modelVersion: nil, outcome: outcome, usage: usage,
    cost: Cost(Money(nanoUSD: nanoUSD), basis: .priceBook, priceID: "\(provider)/model@2026-06-01"), time: time,
    chargePeriod: period, corrects: corrects, correction: correction)
}

func decimal(_ text: String) throws -> ExactDecimal {
  guard let value = ExactDecimal(text) else { throw CocoaError(.formatting) }
  return value
}

extension CostEvent {
  var arrived: ArrivedEvent { ArrivedEvent(body: encoded()) }
}

/// The policy that the program brings along.
let builtInPolicy: Policy = {
  do {
    return try PolicyFile.read(text: PolicyFile.builtIn).0
  } catch {
    fatalError("the policy built in is refused: \(error)")
  }
}()

extension Ledger {
  /// Under the policy built in.
  func record(_ events: [ArrivedEvent]) async throws -> [RecordOutcome] {
    try await record(events, under: builtInPolicy).outcomes
  }

  func count(_ table: String) async throws -> Int {
    try await database.read { try $0.rows("SELECT count(*) AS count FROM \(table)")[0].int("count") }
  }

  /// The first column.
  func texts(_ sql: String) async throws -> [String] {
    try await database.read { session in
      try session.rows(sql).map { row in
        switch row.values[0] {
        case .text(let text): text
        case .integer(let integer): "\(integer)"
        case .null, .bytes: throw LedgerError(.unexpected, "neither text nor number")
        }
      }
    }
  }

  func execute(_ sql: String) async throws {
    try await database.write { _ = try $0.execute(sql, []) }
  }

  /// How the database goes about a statement with one value.
  func plan(of sql: String, _ value: String) async throws -> String {
    let explain = database is SQLiteDatabase ? "EXPLAIN QUERY PLAN" : "EXPLAIN"
    return try await database.read { session in
      try session.rows("\(explain) \(sql)", [.text(value)]).map { row in
        row.values.compactMap { if case .text(let text) = $0 { text } else { nil } }.joined(separator: " ")
      }.joined(separator: "\n")
    }
  }

  /// Of a ledger in a file.
  var pool: DatabasePool {
    guard let file = database as? SQLiteDatabase else { fatalError("the ledger is in no file") }
    return file.pool
  }
}

/// Events of a few users, tiers, tasks, providers, days and months, with repeated jobs, several attempts, fractions and
/// corrections; the same for the same seed.
func randomEvents(_ count: Int, seed: UInt64) throws -> [CostEvent] {
  var random = SplitMix(state: seed)
  return try (0..<count).map { number in
    let job = number / 3
    let isCorrection = number % 10 == 9
    let tasks = TaskType.allCases
    let units = Usage.Unit.allCases.shuffled(using: &random).prefix(Int.random(in: 0...3, using: &random))
    let original = "j\(job)/r\(job % 7)/\(number % 3 + 1)"
    return try costEvent(
      job: "j\(job)", run: "r\(job % 7)", attempt: number % 3 + 1, user: "u\(job % 11)",
      tier: ["FREE", "PRO", "BUSINESS"][job % 3], task: tasks[job % tasks.count],
      provider: ["piper", "espeak", "openai"].randomElement(using: &random) ?? "piper",
      outcome: AttemptOutcome.allCases.randomElement(using: &random) ?? .success,
      nanoUSD: Int64.random(in: isCorrection ? -900_000_000...900_000_000 : 0...900_000_000, using: &random),
      usage: units.map {
        Usage($0, ExactDecimal(mantissa: Int128(Int.random(in: 0...9_999_999, using: &random)), decimals: 7), .measured)
      },
      time: "2026-\(10 + job % 2)-0\(job % 9 + 1)T10:00:00.\(100 + number % 900)Z", period: "2026-\(10 + job % 2)",
      corrects: isCorrection ? original : nil, correction: isCorrection ? 0 : nil)
  }
}

/// A small generator with a seed, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
