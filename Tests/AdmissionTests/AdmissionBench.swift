import Admission
import Contracts
import Logging
import Redis
import TestKit

/// A desk on a real Redis, in a namespace of its own, with short times where a test waits for them.
struct AdmissionBench {
  let desk: AdmissionDesk
  let redis: RedisClient
  let keys: AdmissionKeys

  init(leaseLength: Duration = .seconds(30), attempts: Int = 5, on server: LiveRedis? = nil) async throws {
    let live = if let server { server } else { try await LiveRedis.shared() }
    redis = RedisClient(try RedisConfiguration(url: live.url), logger: Logger(label: "test"))
    keys = AdmissionKeys(namespace: Namespace.unique())
    var configuration = AdmissionConfiguration()
    configuration.leaseLength = leaseLength
    configuration.attemptBudget = attempts
    desk = AdmissionDesk(redis: redis, keys: keys, configuration: configuration)
  }

  /// A fleet that never ran before, so that grants begin at once.
  static func opened(leaseLength: Duration = .seconds(30), attempts: Int = 5) async throws -> AdmissionBench {
    let bench = try await AdmissionBench(leaseLength: leaseLength, attempts: attempts)
    try await bench.desk.openEpoch()
    return bench
  }

  func job(_ id: String, user: String = "ana", task: String = "echo", payload: String = "{}") throws -> Job {
    let body = Array(#"{"id":"\#(id)","userId":"\#(user)","taskType":"\#(task)","payload":\#(payload)}"#.utf8)
    guard case .job(let job) = JobMessage.decode(body, messageID: nil) else {
      throw NotAJob()
    }
    return job
  }

  func request(_ job: Job, lease: String, limit: Int = 2, replays: String? = nil) -> AdmissionRequest {
    AdmissionRequest(
      job: job, lane: .standard, limit: limit, leaseID: lease, runStamp: "run-\(lease)", intent: Array("intent".utf8),
      replays: replays)
  }

  func admit(_ job: Job, lease: String, limit: Int = 2, replays: String? = nil) async throws -> AdmissionReply {
    try await desk.admit([request(job, lease: lease, limit: limit, replays: replays)])[0]
  }

  func finish(_ job: Job, lease: String?, run: String, attempt: Int = 1, cost: String? = "cost") async throws
    -> FinishReply
  {
    try await desk.finish([
      Finish(
        job: job, lane: .standard, leaseID: lease, run: run, status: .succeeded, result: Array("result".utf8),
        output: Array("output".utf8), attempt: attempt,
        costs: cost.map { [(attempt: attempt, event: Array($0.utf8))] } ?? [])
    ])[0]
  }

  func held(_ job: Job, lease: String, run: String, attempt: Int = 1) -> HeldLease {
    HeldLease(job: job, leaseID: lease, run: run, attempt: attempt, intent: Array("intent".utf8))
  }

  /// Leases that the user holds, expired ones included.
  func leases(of user: String = "ana") async throws -> Int64? {
    try await redis.command(RedisCommand("ZCARD").arg(keys.leases(Identifier.base64url(user)))).int
  }

  /// Takes all keys of this bench away, as a loss of Redis would.
  func wipe(_ job: String, user: String = "ana") async throws {
    for key in [keys.epoch, keys.job(job), keys.leases(Identifier.base64url(user)), keys.output(job)] {
      _ = try await redis.command(RedisCommand("DEL").arg(key))
    }
  }

  /// Ends the user's leases as if their time had come.
  func expireLeases(of user: String = "ana") async throws {
    let key = keys.leases(Identifier.base64url(user))
    let members = try await redis.command(RedisCommand("ZRANGE").arg(key).arg(0).arg(-1)).array ?? []
    for member in members {
      _ = try await redis.command(RedisCommand("ZADD").arg(key).arg(1).arg(member.bytes ?? []))
    }
  }
}

extension AdmissionReply {
  var isAdmitted: Bool { if case .admitted = self { true } else { false } }
}

private struct NotAJob: Error {}
