import Admission
import Catalog
import Contracts
import Foundation
import Logging
import Providers
import Redis
import Synchronization
import TestKit
import Testing

@testable import Work

/// A `PlanRunner` with everything it talks to: a desk on a real Redis in a namespace of its own, and the fake provider
/// of `Tests/Fakes` as a process of its own, which plays as many providers as there are paths.
final class RunBench: Sendable {
  let desk: AdmissionDesk
  let runner: PlanRunner
  private let redis: RedisClient
  private let keys: AdmissionKeys
  private let shelf: ProviderShelf
  private let fake: FakeProvider
  private let reports: Task<Void, Never>
  private let jobs = Atomic<Int>(0)

  private static let names = ["a", "b", "c", "d"]

  /// - Parameter attempts: of one run, at most.
  static func using(attempts: Int = 6, _ body: (RunBench) async throws -> Void) async throws {
    let bench = try await RunBench(attempts: attempts, fake: FakeProvider(), url: LiveRedis.shared().url)
    do {
      try await body(bench)
    } catch {
      Issue.record(error)
    }
    bench.reports.cancel()
    await bench.shelf.shutdown()
    try await bench.fake.end()
  }

  private init(attempts: Int, fake: FakeProvider, url: String) async throws {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    self.fake = fake
    keys = AdmissionKeys(namespace: Namespace.unique())
    redis = RedisClient(try RedisConfiguration(url: url), logger: logger)
    var configuration = AdmissionConfiguration()
    configuration.attemptBudget = attempts
    desk = AdmissionDesk(redis: redis, keys: keys, configuration: configuration)
    try await desk.openEpoch()
    let policy = Policy(
      defaultTier: "T", trustsMessageTier: true, aliases: [:], tiers: ["T": TestRuns.tier],
      providers: Dictionary(uniqueKeysWithValues: Self.names.map { ($0, fake.definition($0)) }), models: [],
      plainHTTPHosts: [])
    shelf = ProviderShelf(
      policy: policy, artifacts: ArtifactStore(directory: fake.directory.file("artifacts").path), logger: logger)
    let now: @Sendable () -> Timestamp = { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
    let health = HealthDesk(desk: desk, logger: logger)
    reports = Task { await health.run() }
    runner = PlanRunner(
      providers: shelf, desk: desk, health: health, meter: { Meter(prices: PriceBook([])) }, failpoints: .none,
      now: now, logger: logger)
  }

  /// - Parameter behaviour: the name of the model, by which the fake knows what to do.
  func candidate(_ provider: String, _ behaviour: String, timeout: Duration = .seconds(10)) -> Plan.Candidate {
    TestRuns.candidate(fake.definition(provider, timeout: timeout), model: behaviour)
  }

  /// A job that Redis granted its first attempt.
  /// - Parameter time: until its own deadline.
  func admitted(_ candidates: [Plan.Candidate], within time: Duration? = nil) async throws -> Run {
    let number = jobs.add(1, ordering: .relaxed).newValue
    let deadline = time.map { Timestamp(milliseconds: runner.now().milliseconds + $0.milliseconds) }
    let job = try TestRuns.job(
      "j\(number)", task: .embedding, payload: #"{"input":"word"}"#, deadline: deadline)
    let lease = "w.\(number)/\(job.id)"
    let reply = try await desk.admit([
      AdmissionRequest(
        job: job, lane: .low, limit: 100, leaseID: lease, runStamp: "run-\(number)", intent: Array("intent".utf8))
    ])[0]
    guard case .admitted(let run, let attempt, _, let at, _, _) = reply else {
      throw SystemFailure("not admitted: \(reply)")
    }
    return TestRuns.run(job, candidates, run: run, attempt: attempt, lease: lease, startedAt: at)
  }

  func execute(_ run: Run) async -> PlanRunner.Leaving { await runner.execute(run) { _ in } }

  func ended(_ candidates: [Plan.Candidate], within time: Duration? = nil) async throws -> RunEnd {
    guard case .ended(let end) = await execute(try await admitted(candidates, within: time)) else {
      throw SystemFailure("the run did not end")
    }
    return end
  }

  /// The names of the providers that were called, in their order.
  func calls() throws -> [String] { try fake.calls() }

  /// Has a provider rest whose probe is due.
  func rest(_ scope: String) async throws {
    let now = runner.now().milliseconds
    _ = try await redis.command(
      RedisCommand("HSET").arg(keys.breakers).arg(scope).arg("failures \(now - 9000) \(now - 1000) 5000 0 "))
  }

  /// Leases that are held.
  func leases() async throws -> Int64? {
    try await redis.command(RedisCommand("ZCARD").arg(keys.leases(Identifier.base64url("u")))).int
  }
}

/// `Tests/Fakes/provider.py` as a process of its own.
private final class FakeProvider: Sendable {
  let directory: TestDirectory
  private let address: String
  private let process: ChildProcess

  init() async throws {
    directory = try TestDirectory("runs")
    let script = TestDirectory.packageRoot.appending(path: "Tests/Fakes/provider.py").path
    let process = try ChildProcess(
      "provider", ["python3", script, "--log", directory.file("log").path], in: directory)
    try await waitUntil("the fake provider printed its ports") {
      try process.output.split(separator: "\n").count == 2 && process.output.hasSuffix("\n")
    }
    address = "http://127.0.0.1:\(try process.output.prefix { $0 != "\n" })"
    self.process = process
  }

  func definition(_ name: String, timeout: Duration = .seconds(10)) -> ProviderDefinition {
    TestRuns.openai(name, baseURL: "\(address)/\(name)/v1", timeout: timeout)
  }

  func calls() throws -> [String] {
    try String(contentsOf: directory.file("log"), encoding: .utf8).split(separator: "\n").compactMap { line in
      let entry = try JSONParser.parse(Array(line.utf8)).root
      return entry["event"]?.string == "start" ? entry["path"]?.string : nil
    }
  }

  func end() async throws {
    process.signal(SIGTERM)
    _ = try await process.end()
  }
}
