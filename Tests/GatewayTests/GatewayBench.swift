import AMQP
import Admission
import AsyncHTTPClient
import Billing
import Catalog
import Contracts
import Foundation
import Gateway
import Logging
import NIOCore
import NIOHTTP1
import Observability
import Operations
import Redis
import Synchronization
import TestKit

@testable import Lanes

/// A gateway on a port of its own, with real servers behind it and a namespace of its own, gone afterwards.
struct GatewayBench {
  let base: String
  let port: Int
  let desk: AdmissionDesk
  let redis: RedisClient
  let broker: LaneBroker
  let admin: AMQPAdmin
  let registry: MetricRegistry
  let log: RecordingLog
  let ledger: LedgerAccess
  private let server: GatewayServer

  static let policy = """
    version: 1
    default_tier: FREE
    aliases: {tier1: FREE, tier2: PRO, tier3: BUSINESS, tier4: ENTERPRISE}
    tiers:
      FREE: {priority: low, model_policy: {providers: {echo: [echo]}}, quotas: {concurrency: 2}}
      PRO:
        priority: standard
        model_policy: {providers: {echo: [echo]}}
        quotas: {concurrency: 5, monthly: {jobs: 10}, rateLimit: {rpm: 60, rps: 5, burst: 20}}
        cost_caps: {monthlyUsd: 1, hardStop: true}
      BUSINESS: {priority: high, model_policy: {providers: {echo: [echo]}}}
      ENTERPRISE: {priority: critical, model_policy: {providers: {echo: [echo]}}}
    providers: {echo: {kind: echo}}
    models: [{provider: echo, task: echo, model: echo}]
    """

  /// - Parameters:
  ///   - redisURL: of a server that is not shared.
  ///   - ledger: nil for one of its own.
  ///   - adjust: what differs from the defaults.
  static func with(
    host: String = "127.0.0.1", redisURL: String? = nil, brokerURL: String? = nil,
    ledger: LedgerAccess? = nil, adjust: (inout GatewayConfiguration) -> Void = { _ in },
    _ body: (GatewayBench) async throws -> Void
  ) async throws {
    let log = RecordingLog()
    let namespace = Namespace.unique()
    var url = redisURL
    if url == nil { url = try await LiveRedis.shared().url }
    var amqp = brokerURL
    if amqp == nil { amqp = try await LiveBroker.shared().url }
    let redis = RedisClient(try RedisConfiguration(url: url ?? ""), logger: log.logger)
    let topology = Topology(namespace: namespace)
    let broker = LaneBroker(
      try AMQPConfiguration(url: amqp ?? "", name: "gateway-tests"), topology: topology, logger: log.logger)
    let desk = AdmissionDesk(
      redis: redis, keys: AdmissionKeys(namespace: namespace), configuration: AdmissionConfiguration())
    let admin = broker.admin()
    _ = try await TopologyKeeper(topology: topology, admin: admin).apply()
    try await desk.openEpoch()
    var configuration = GatewayConfiguration(address: GatewayAddress(host: host, port: 0))
    adjust(&configuration)
    let policy = try PolicyFile.read(text: policy).0
    let registry = MetricRegistry(tiers: policy.tiers.keys, providers: policy.providers.keys)
    let start = Start()
    let directory = try TestDirectory("gateway")
    let ledger =
      ledger
      ?? LedgerAccess { () throws(LedgerError) in
        try Ledger(path: directory.file("ledger.db").path)
      }
    let server = GatewayServer(
      configuration: configuration, desk: desk, broker: broker, policy: { policy }, ledger: ledger, registry: registry,
      now: { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }, logger: log.logger,
      onListening: { port in start.port.withLock { $0 = port } })
    let outcome: Result<Void, any Error>
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          do { try await server.run() } catch {
            start.fault.withLock { $0 = error }
            throw error
          }
        }
        try await waitUntil("the gateway listens") {
          if let fault = start.fault.withLock({ $0 }) { throw fault }
          return start.port.withLock { $0 } != nil
        }
        let found = start.port.withLock { $0 } ?? 0
        let bench = GatewayBench(
          base: "http://127.0.0.1:\(found)", port: found, desk: desk, redis: redis, broker: broker, admin: admin,
          registry: registry, log: log, ledger: ledger, server: server)
        try await body(bench)
        await server.drain()
        try await group.waitForAll()
      }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    let plan = TopologyPlan(topology: topology, version: "3.10")
    for queue in plan.queues.map(\.name) { try await admin.queueDelete(queue) }
    for exchange in plan.exchanges.map(\.name) + [topology.keyed] { try await admin.exchangeDelete(exchange) }
    await admin.close()
    await redis.close()
    try outcome.get()
  }

  /// How the server began.
  private final class Start: Sendable {
    let port = Mutex<Int?>(nil)
    let fault = Mutex<(any Error)?>(nil)
  }

  struct Answer: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var text: String

    func field(_ name: String) -> String? { headers.first(name: name) }

    var json: JSONValue {
      get throws { try JSONParser.parse(Array(text.utf8)).root }
    }
    /// The last word of a problem's type.
    var problem: String? {
      get throws {
        guard field("content-type") == "application/problem+json" else { return nil }
        return try json["type"]?.string.map { String($0.dropFirst("urn:tollway:problem:".count)) }
      }
    }
  }

  func send(
    _ path: String, method: HTTPMethod = .GET, _ body: String? = nil, headers: [String: String] = [:]
  ) async throws -> Answer {
    var request = HTTPClientRequest(url: base + path)
    request.method = method
    for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
    if let body { request.body = .bytes(ByteBuffer(string: body)) }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(120))
    let bytes = try await response.body.collect(upTo: 4 << 20)
    return Answer(status: Int(response.status.code), headers: response.headers, text: String(buffer: bytes))
  }

  func drain() async { await server.drain() }

  var streams: Int { server.streams }

  /// Bytes of bodies that requests hold.
  var bodyBytes: Int { server.bodyBytes }

  struct Download: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var bytes: [UInt8]

    func field(_ name: String) -> String? { headers.first(name: name) }
  }

  func download(_ path: String, headers: [String: String] = [:]) async throws -> Download {
    var request = HTTPClientRequest(url: base + path)
    for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(120))
    let bytes = try await response.body.collect(upTo: 4 << 20)
    return Download(
      status: Int(response.status.code), headers: response.headers, bytes: Array(bytes.readableBytesView))
  }

  /// What comes on a connection that stays open, until it ends or `isEnough` of what came so far.
  func follow(
    _ path: String, headers: [String: String] = [:], until isEnough: (String) async throws -> Bool = { _ in false }
  ) async throws -> Answer {
    var request = HTTPClientRequest(url: base + path)
    for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(240))
    var text = ""
    for try await part in response.body {
      text += String(buffer: part)
      if try await isEnough(text) { break }
    }
    return Answer(status: Int(response.status.code), headers: response.headers, text: text)
  }

  /// A worker that does one job and nothing else.
  func start(_ job: Job, lane: Lane = .low, limit: Int = 2) async throws -> AdmissionReply {
    try await desk.admit([
      AdmissionRequest(job: job, lane: lane, limit: limit, leaseID: "w.\(job.id)", runStamp: "r1", intent: [])
    ])[0]
  }

  func finish(_ job: Job, output: String?, isStarted: Bool = true) async throws {
    let result = ResultEvent(
      jobID: job.id, userID: job.userID, tier: "FREE", taskType: "echo", status: .succeeded, run: "r1",
      finishedAt: Timestamp(milliseconds: 0))
    _ = try await desk.finish([
      Finish(
        job: job, leaseID: isStarted ? "w.\(job.id)" : nil, run: "r1", status: .succeeded,
        result: result.withoutOutput(), output: output.map { Array($0.utf8) }, attempt: isStarted ? 1 : 0, costs: [])
    ])
  }

  func submit(_ body: String, headers: [String: String] = [:]) async throws -> Answer {
    try await send("/v1/jobs", method: .POST, body, headers: headers)
  }

  /// Messages that the lane's queue has; counts settle a moment after they were confirmed.
  func messages(in lane: Lane) async throws -> Int {
    Int(try await admin.queueStatus(broker.topology.queue(of: lane)).messages)
  }

  /// The next message of a lane.
  func take(from lane: Lane) async throws -> (id: String?, body: String)? {
    guard let message = try await admin.get(broker.topology.queue(of: lane)) else { return nil }
    return (message.properties.messageId, String(decoding: message.body, as: UTF8.self))
  }

  /// The next jobs of a lane, in the order in which they came.
  func jobs(in lane: Lane, _ count: Int) async throws -> [Job] {
    var jobs: [Job] = []
    while jobs.count < count {
      guard let message = try await take(from: lane),
        case .job(let job) = JobMessage.decode(Array(message.body.utf8), messageID: nil)
      else { throw NotAJob() }
      jobs.append(job)
    }
    return jobs
  }

  /// - Returns: where the story can be asked for.
  func tell(_ scenes: Int, user: String = "ana", headers: [String: String] = [:]) async throws -> String {
    let script = Array(repeating: #"{"narration":"A door."}"#, count: scenes).joined(separator: ",")
    let body = #"{"userId":"\#(user)","script":{"scenes":[\#(script)]}}"#
    guard let path = try await send("/create-story", method: .POST, body, headers: headers).field("location") else {
      throw NotAJob()
    }
    return path
  }

  /// Scripts that Redis has run.
  func scriptCalls() async throws -> Int {
    let text = try await redis.command(RedisCommand("INFO").arg("commandstats")).string ?? ""
    let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("cmdstat_evalsha:calls=") } ?? ""
    return Int(line.dropFirst("cmdstat_evalsha:calls=".count).prefix { $0.isNumber }) ?? 0
  }

  func key(_ scopes: Set<Scope>, _ users: String = "*") async throws -> (key: APIKey, header: [String: String]) {
    guard let pattern = UserPattern(users) else { throw NotAPattern() }
    let (key, secret) = APIKey.make(name: "test", scopes: scopes, users: pattern)
    try await desk.storeKeys([key])
    return (key, ["Authorization": "Bearer \(secret)"])
  }

  private struct NotAPattern: Error {}
}

/// A job of the task `echo`.
func echo(_ id: String? = nil, user: String = "ana", tier: String? = nil, n: Int = 0) -> String {
  let id = id.map { #""id":"\#($0)","# } ?? ""
  let tier = tier.map { #""userTier":"\#($0)","# } ?? ""
  return #"{\#(id)"userId":"\#(user)",\#(tier)"taskType":"echo","payload":{"n":\#(n)}}"#
}

func echoJob(_ id: String, user: String = "ana") throws -> Job {
  guard case .job(let job) = JobMessage.decode(Array(echo(id, user: user).utf8), messageID: nil) else {
    throw NotAJob()
  }
  return job
}

private struct NotAJob: Error {}
