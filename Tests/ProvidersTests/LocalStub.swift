import Catalog
import Contracts
import Foundation
import TestKit

@testable import Providers

/// A `LocalProvider` whose serving process is the test double `Tests/Fakes/model_server.py`. Call `end` at the end of a
/// test.
final class LocalStub: Sendable {
  let provider: LocalProvider
  let directory: String

  /// - Parameter manners: of the test double.
  init(
    in directory: String, _ manners: [String] = [], command: [String]? = nil,
    isolation: ProviderDefinition.Isolation = .shared, limits: ProcessLimits = ProcessLimits(),
    idleStop: Duration = .seconds(600), times: ServingTimes = ServingTimes(), processes: Int = ServingPool.limit
  ) {
    self.directory = directory
    let script = TestDirectory.packageRoot.appending(path: "Tests/Fakes/model_server.py").path
    var definition = definition(
      named: "stub", kind: .local, command: command ?? ["python3", script, directory] + manners)
    definition.isolation = isolation
    definition.limits = limits
    definition.idleStop = idleStop
    provider = LocalProvider(
      definition, models: ["a", "b"], http: testHTTP, artifacts: ArtifactStore(directory: directory + "/artifacts"),
      environment: ProcessInfo.processInfo.environment.merging(["OPENAI_API_KEY": "sk-x"]) { _, new in new },
      times: times, processes: processes, logger: silentLogger)
  }

  func say(
    _ prompt: String, tier: String = "", user: String = "user-1", within limit: Duration = .seconds(30)
  ) async throws -> ProviderAnswer {
    await provider.call(try Self.call(.llm, #"{"prompt":"\#(prompt)"}"#, tier: tier, user: user, within: limit))
  }

  /// The number that is the text of the answer.
  func number(_ prompt: String, tier: String = "", user: String = "user-1") async throws -> Int32 {
    let text = try await say(prompt, tier: tier, user: user).reply().document()["text"]?.string ?? ""
    guard let number = Int32(text) else { throw UnexpectedText(text: text) }
    return number
  }

  struct UnexpectedText: Error {
    let text: String
  }

  static func call(
    _ task: TaskType, _ payload: String, tier: String = "", user: String = "user-1",
    within limit: Duration = .seconds(30)
  ) throws -> ProviderCall {
    let job = Job(
      id: "job-1", userID: user, taskType: task, claimedTier: nil,
      payload: try JSONParser.parse(Array(payload.utf8)).root, seriesID: nil, model: nil, notBefore: nil,
      deadline: nil, maximumCost: nil, metadata: nil, digest: "0")
    return ProviderCall(
      job: job, model: "a", modelVersion: nil, attemptID: "job-\(UInt32.random(in: 0 ... .max))/run/1",
      deadline: .now + limit, tier: tier)
  }

  /// Returns when a call is answered again.
  func untilItServes() async throws {
    try await waitUntil("it serves again") {
      if case .success = try await say("hi") { true } else { false }
    }
  }

  /// Returns when calls fail at once, with the reason.
  func restReason() async throws -> String {
    var reason = ""
    try await waitUntil("calls fail at once") {
      guard case .failure(let failure) = try await say("hi"), failure.kind == .local else { return false }
      reason = failure.detail
      return true
    }
    return reason
  }

  /// Of every start so far.
  func processIDs() throws -> [Int32] { try Self.numbers(in: directory + "/pid") }

  /// Of everything that the serving process started.
  func children() throws -> [Int32] { try Self.numbers(in: directory + "/children") }

  /// The paths of all calls that it got, in order.
  func paths() throws -> [String] {
    try String(contentsOfFile: directory + "/calls", encoding: .utf8).split(separator: "\n").map { String($0) }
  }

  static func numbers(in file: String) throws -> [Int32] {
    guard FileManager.default.fileExists(atPath: file) else { return [] }
    return try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").compactMap { Int32($0) }
  }

  func end() async { await provider.shutdown() }
}

/// Whether all of these processes have ended; one that nobody has reaped yet counts as ended.
func haveEnded(_ pids: [Int32]) throws -> Bool {
  try pids.allSatisfy { try kill($0, 0) != 0 || isZombie($0) }
}
