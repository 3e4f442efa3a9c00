package import Contracts
import Redis

// The waiting rooms as Redis keeps them: who waits in which bay, who may take the next head.

/// A copy of a waiting job that is confirmed in its bay.
package struct ParkedCopy: Sendable {
  package var job: Job
  package var lane: Lane
  package var bay: Int
  package var generation: Int64
  package var copy: Int

  package init(job: Job, lane: Lane, bay: Int, generation: Int64, copy: Int) {
    self.job = job
    self.lane = lane
    self.bay = bay
    self.generation = generation
    self.copy = copy
  }
}

package enum AdoptReply: String, Sendable {
  case adopted
  case owned
  /// The user has another bay in this lane.
  case taken
}

extension AdmissionDesk {
  /// - Parameters:
  ///   - wishes: how many to claim at most, by lane.
  ///   - number: names the claims of this call; to be raised by the number of wishes.
  ///   - stamp: of the policy in force.
  package func claim(
    _ wishes: [Lane: Int], worker: String, number: UInt64, stamp: String
  ) async throws(AdmissionError) -> Claimed {
    var call = call(AdmissionScripts.claim, 384)
      .argRunID().arg(configuration.leaseLength.milliseconds).arg(worker).arg(Int64(number))
      .arg(configuration.claimLength.milliseconds).arg(stamp)
    for lane in Lane.allCases { call = call.arg(Int64(wishes[lane] ?? 0)) }
    return try await run([call], Claimed.init(reading:))[0]
  }

  /// Which of the copies are the job from here on. The original of one that is not stays what it is.
  package func commit(_ copies: [ParkedCopy]) async throws(AdmissionError) -> [Bool] {
    let calls = copies.map { parked in
      call(AdmissionScripts.commit, 384)
        .arg(parked.job.id).arg(parked.job.userKey).arg(parked.lane.rawValue)
        .arg(Int64(parked.bay)).arg(parked.generation).arg(Int64(parked.copy))
    }
    return try await run(calls) { $0.string.map { $0 == "parked" } }
  }

  /// Gives claims back whose heads go another way than through `admit`, or were not taken.
  /// - Parameters:
  ///   - lease: id under which the head was on deck, nil if it was not.
  ///   - followsTier: whether the heads go to another lane because the tier of their users changed.
  package func leave(
    _ claims: [(claim: Claim, lease: String?)], followsTier: Bool = false
  ) async throws(AdmissionError) {
    let calls = claims.map { claim, lease in
      call(AdmissionScripts.leave, 384)
        .arg(claim.lane.rawValue).arg(claim.user).arg(claim.id).arg(Int64(claim.bay)).arg(claim.generation)
        .arg(lease ?? "").arg(claim.remaining.map(String.init) ?? "-").arg(claim.commits)
        .arg(followsTier ? "1" : "0")
    }
    _ = try await run(calls) { $0.int }
  }

  /// The broker had nothing in the bays of these claims. True where a bay was given back.
  package func vacant(_ claims: [Claim]) async throws(AdmissionError) -> [Bool] {
    let calls = claims.map { claim in
      call(AdmissionScripts.vacant, 384)
        .arg(claim.lane.rawValue).arg(claim.user).arg(claim.id).arg(Int64(claim.bay)).arg(claim.generation)
        .arg(claim.commits)
    }
    return try await run(calls) { $0.string.map { $0 == "freed" } }
  }

  /// A bay that was leased as new has messages in it.
  package func refuseBay(_ bay: Int, generation: Int64, lane: Lane, of user: String) async throws(AdmissionError) {
    let call = call(AdmissionScripts.refuseBay, 256)
      .arg(lane.rawValue).arg(Identifier.base64url(user)).arg(Int64(bay)).arg(generation)
    _ = try await run([call]) { $0.int }
  }

  package func adopt(_ bay: Int, messages: Int, lane: Lane, user: String) async throws(AdmissionError) -> AdoptReply {
    let call = call(AdmissionScripts.adopt, 256)
      .arg(lane.rawValue).arg(Identifier.base64url(user)).arg(Int64(bay)).arg(Int64(messages))
    return try await run([call]) { $0.string.flatMap { AdoptReply(rawValue: $0) } }[0]
  }

  /// An empty bay that exists and that nobody has is free for the next who needs one.
  package func offer(_ bay: Int) async throws(AdmissionError) {
    let call = call(AdmissionScripts.offer, 128).arg(Int64(bay))
    _ = try await run([call]) { $0.int }
  }

  /// Bays that Redis knows an owner of.
  package func ownedBays() async throws(AdmissionError) -> Set<Int> {
    let entries = try await send([RedisCommand("HGETALL").arg(keys.bays)])[0].pairs
    return Set(entries.compactMap { bay, entry in entry.string?.hasSuffix("-") ?? true ? nil : Int(bay) })
  }

  /// Whether this worker is the one that looks at the bays of an epoch; for at most `length`.
  package func beginSurvey(by worker: String, length: Duration) async throws(AdmissionError) -> Bool {
    try await acquire(keys.surveyor, worker, length)
  }

  /// It failed: another worker may try at once.
  package func leaveSurvey() async throws(AdmissionError) {
    _ = try await send([RedisCommand("DEL").arg(keys.surveyor)])
  }

  /// Whether this worker is the one that looks for forgotten messages; for at most `length`.
  package func beginSweep(by worker: String, length: Duration) async throws(AdmissionError) -> Bool {
    try await acquire(keys.sweeper, worker, length)
  }

  package func endSurvey(of epoch: String) async throws(AdmissionError) {
    _ = try await send([
      RedisCommand("SET").arg(keys.surveyed).arg(epoch), RedisCommand("DEL").arg(keys.surveyor),
    ])
  }

  /// Whether this worker is the one that publishes the marker; for at most `length`, in case it is lost.
  package func beginMarker(by worker: String, length: Duration) async throws(AdmissionError) -> Bool {
    try await acquire(keys.marker, worker, length)
  }

  /// It says too little: a worker publishes another at once.
  package func leaveMarker() async throws(AdmissionError) {
    _ = try await send([RedisCommand("DEL").arg(keys.marker)])
  }

  private func acquire(_ key: String, _ owner: String, _ length: Duration) async throws(AdmissionError) -> Bool {
    let command = RedisCommand("SET").arg(key).arg(owner).arg("NX").arg("PX").arg(length.milliseconds)
    return try await send([command])[0].string == "OK"
  }

  /// Limits changed for everybody: all waiting jobs are to be judged anew.
  package func hasten() async throws(AdmissionError) {
    let page = 100
    for lane in Lane.allCases {
      var seen = 0
      while true {
        let call = call(AdmissionScripts.hasten, 128).arg(lane.rawValue).arg(Int64(seen)).arg(Int64(page))
        let count = Int(try await run([call]) { $0.int }[0])
        if count < page { break }
        seen += count
      }
    }
  }

  /// Marks jobs as waiting without asking for their admission; the next who asks undoes that.
  /// - Returns: false for those that run, have ended in another run than they replay, or are another body or user under
  ///   that id: nothing was changed.
  @discardableResult
  package func rest(_ jobs: [RestingJob]) async throws(AdmissionError) -> [Bool] {
    let calls = jobs.map { resting in
      let job = resting.job
      return call(AdmissionScripts.rest, 384)
        .arg(job.id).arg(job.userKey).arg(job.digest).arg(resting.lane.rawValue).arg(resting.until.milliseconds)
        .arg(resting.reason.rawValue).arg(configuration.unfinishedTTL.milliseconds).arg(resting.trail)
        .arg(job.taskType.rawValue).arg(resting.labels?.text ?? []).arg(resting.replays ?? "")
    }
    return try await run(calls) { $0.int.map { $0 == 1 } }
  }

  /// Events that are spent and not yet confirmed, after a loss of Redis.
  package func assert(
    _ events: [(user: String, id: String, month: String, spent: Spending)]
  ) async throws(AdmissionError) {
    let calls = events.map { event in
      call(AdmissionScripts.assert, 256)
        .arg(Identifier.base64url(event.user)).arg(event.id).arg(event.month).arg(event.spent.text)
    }
    _ = try await run(calls) { $0.int }
  }
}
