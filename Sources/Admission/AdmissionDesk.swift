package import Contracts
package import Redis

/// Asks Redis who may start, and tells it who has ended. Many jobs travel in one round trip; every answer stands at the
/// place of its question. Holds no state of its own. Safe to share.
package struct AdmissionDesk: Sendable {
  package let keys: AdmissionKeys
  package let configuration: AdmissionConfiguration
  private let redis: RedisClient
  /// Of every script.
  private let scriptKeys: [String]

  package init(redis: RedisClient, keys: AdmissionKeys, configuration: AdmissionConfiguration) {
    self.redis = redis
    self.keys = keys
    scriptKeys = [keys.prefix]
    self.configuration = configuration
  }

  package func admit(_ requests: [AdmissionRequest]) async throws(AdmissionError) -> [AdmissionReply] {
    try await run(requests.map(call(for:)), AdmissionReply.init(reading:))
  }

  package func renew(_ leases: [HeldLease]) async throws(AdmissionError) -> [RenewReply] {
    try await run(leases.map { call(renewing: $0) }) { value in value.string.flatMap { RenewReply(rawValue: $0) } }
  }

  /// Renews a lease and writes its intent in the place of the one that the attempt began with.
  package func note(_ lease: HeldLease) async throws(AdmissionError) -> RenewReply {
    let call = call(renewing: lease, notingIntent: true)
    return try await run([call]) { value in value.string.flatMap { RenewReply(rawValue: $0) } }[0]
  }

  /// Writes down how an attempt ended and what the next one will be.
  /// - Parameters:
  ///   - ended: nil if it never reached a provider.
  ///   - worst: of the next attempt; nil when neither money nor quota is limited.
  package func advance(
    _ lease: HeldLease, ended: AttemptCost?, nextIntent: [UInt8], worst: Spending?, limits: AdmissionLimits
  ) async throws(AdmissionError) -> AdvanceReply {
    try await advance(lease, ended, nextIntent, worst, limits, pause: "0")
  }

  /// Writes down how an attempt ended and stops the run there, its lease and what it had reserved given back: its next
  /// delivery asks for admission again. Answers `refused` when that is done, `lost` as `advance` does.
  /// - Parameters:
  ///   - ended: nil if it never reached a provider.
  ///   - isMade: false gives the number of the attempt back: it was granted and never begun.
  package func pause(
    _ lease: HeldLease, ended: AttemptCost?, isMade: Bool = true
  ) async throws(AdmissionError) -> AdvanceReply {
    try await advance(lease, ended, [], lease.worst, AdmissionLimits(), pause: isMade ? "1" : "2")
  }

  private func advance(
    _ lease: HeldLease, _ ended: AttemptCost?, _ nextIntent: [UInt8], _ worst: Spending?, _ limits: AdmissionLimits,
    pause: String
  ) async throws(AdmissionError) -> AdvanceReply {
    let call = call(AdmissionScripts.advance, 2048)
      .arg(lease.leaseID).arg(lease.user).arg(lease.job.digest).arg(lease.run).arg(Int64(lease.attempt))
      .arg(ended?.event ?? []).arg(nextIntent).arg(configuration.leaseLength.milliseconds)
      .arg(configuration.unfinishedTTL.milliseconds).arg(lease.job.id).arg(lease.month)
      .arg(ended?.spent?.text ?? "").arg(worst?.text ?? "").arg(limits.text).arg(pause)
    return try await run([call]) { $0.string.flatMap { AdvanceReply(rawValue: $0) } }[0]
  }

  /// Takes over an attempt that `admit` called an orphan and that goes on at its provider; its reservation and its
  /// intent stay as they are.
  /// - Parameter limit: leases that the job's user may hold at once.
  package func continueAttempt(
    _ job: Job, run: String, attempt: Int, leaseID: String, limit: Int
  ) async throws(AdmissionError) -> ContinueReply {
    let call = call(AdmissionScripts.continueAttempt, 512)
      .argRunID().arg(leaseID).arg(job.userKey).arg(job.id).arg(run).arg(Int64(attempt))
      .arg(configuration.leaseLength.milliseconds).arg(configuration.unfinishedTTL.milliseconds).arg(Int64(limit))
    return try await self.run([call], ContinueReply.init(reading:))[0]
  }

  package func finish(_ ends: [Finish]) async throws(AdmissionError) -> [FinishReply] {
    try await run(ends.map(call(for:)), FinishReply.init(reading:))
  }

  /// Gives an attempt that nobody will report on its event. False: not in that state any more, ask `admit` again.
  /// - Parameter mayRepeat: whatever the job is, because nothing was bought.
  package func declareUnknown(
    _ job: Job, run: String, _ cost: AttemptCost, mayRepeat: Bool = false
  ) async throws(AdmissionError) -> Bool {
    let call = call(AdmissionScripts.declareUnknown, 1024)
      .arg(job.id).arg(job.userKey).arg(run).arg(Int64(cost.attempt)).arg(cost.event)
      .arg(cost.spent?.text ?? "").arg(mayRepeat ? "1" : "0")
    return try await self.run([call]) { $0.int.map { $0 == 1 } }[0]
  }

  /// Drops cost events that are confirmed and settled: nobody will have to announce them again.
  package func forgetCosts(of jobs: [(id: String, attempts: Int)]) async throws(AdmissionError) {
    let commands = jobs.map { job in
      var command = RedisCommand("HDEL", capacity: 128).arg(keys.job(job.id))
      for attempt in 1...max(1, job.attempts) { command = command.arg("cost:\(attempt)") }
      return command
    }
    _ = try await send(commands)
  }

  /// On a fleet that never ran before: grant from the first moment on.
  package func openEpoch() async throws(AdmissionError) {
    _ = try await run([call(AdmissionScripts.openEpoch, 128).argRunID()]) { $0.int }
  }

  private func call(for request: AdmissionRequest) -> RedisScriptCall {
    let job = request.job
    return call(AdmissionScripts.admit, 1024)
      .argRunID().arg(job.id).arg(job.userKey).arg(job.digest).arg(request.lane.rawValue)
      .arg(Int64(request.limit)).arg(configuration.leaseLength.milliseconds).arg(request.leaseID)
      .arg(request.runStamp).arg(request.intent).arg(Int64(configuration.attemptBudget))
      .arg(configuration.unfinishedTTL.milliseconds).arg(request.replays ?? "")
      .arg(job.taskType.mayRepeatUnknown ? "1" : "0").arg(Int64(request.copy)).arg(request.claim?.text ?? "")
      .arg(request.limits.text).arg(request.worst?.text ?? "").arg(request.stamp).arg(Int64(configuration.bays))
      .arg(job.taskType.rawValue).arg(request.labels?.text ?? [])
  }

  private func call(renewing lease: HeldLease, notingIntent: Bool = false) -> RedisScriptCall {
    call(AdmissionScripts.renew, 768)
      .argRunID().arg(lease.leaseID).arg(lease.user).arg(lease.job.digest).arg(lease.run).arg(Int64(lease.attempt))
      .arg(lease.intent).arg(configuration.leaseLength.milliseconds).arg(configuration.unfinishedTTL.milliseconds)
      .arg(lease.job.id).arg(lease.month).arg(lease.worst?.text ?? "").arg(notingIntent ? "1" : "0")
  }

  private func call(for end: Finish) -> RedisScriptCall {
    let files = end.files ?? []
    let size = end.costs.reduce(end.result.count + (end.output?.count ?? 0) + files.count) { $0 + $1.event.count + 64 }
    // Those that it waited for are remembered as long as it might have waited: whoever looks at all finds it, too.
    let isChild = end.job?.after.isEmpty == false
    let memory = isChild ? max(configuration.stateTTL, configuration.unfinishedTTL) : configuration.stateTTL
    var call = call(AdmissionScripts.finish, size + 640)
      .arg(end.leaseID ?? "").arg(end.jobID).arg(end.userKey).arg(end.digest).arg(end.run)
      .arg(end.status.rawValue).arg(end.result).arg(end.output ?? []).arg(memory.milliseconds)
      .arg(configuration.outputTTL.milliseconds).arg(Int64(end.attempt)).arg(end.month ?? "").arg(end.taskType)
      .arg(files)
    for cost in end.costs { call = call.arg(Int64(cost.attempt)).arg(cost.event).arg(cost.spent?.text ?? "") }
    return call
  }

  func call(_ script: RedisScript, _ capacity: Int) -> RedisScriptCall {
    RedisScriptCall(script, keys: scriptKeys, capacity: capacity)
  }

  /// Sends calls of one script and reads each reply; a reply that cannot be read fails the batch.
  func run<Reply>(
    _ calls: [RedisScriptCall], _ read: (RedisValue) -> Reply?
  ) async throws(AdmissionError) -> [Reply] {
    let values: [RedisValue]
    do {
      values = try await redis.run(calls).values
    } catch {
      throw AdmissionError(error)
    }
    var replies: [Reply] = []
    replies.reserveCapacity(values.count)
    for value in values {
      guard let reply = read(value) else { throw AdmissionError(script: "admission", reply: value) }
      replies.append(reply)
    }
    return replies
  }
}

extension AdmissionDesk {
  /// Plain commands in one round trip; the first one that the server refuses fails the batch.
  func send(_ commands: [RedisCommand]) async throws(AdmissionError) -> [RedisValue] {
    let replies: [RedisValue]
    do {
      replies = try await redis.pipeline(commands)
    } catch {
      throw AdmissionError(error)
    }
    if let refused = replies.first(where: { $0.serverError != nil }) {
      throw AdmissionError(script: "command", reply: refused)
    }
    return replies
  }
}
