package import Contracts
import Redis

// Jobs that wait for other jobs, and what those made.

/// A job that asks whether those it waits for have succeeded.
package struct ChildJob: Sendable {
  package var job: Job
  package var lane: Lane
  /// The run that its message replays.
  package var replays: String?
  /// How long until it asks again if it has to wait, at least.
  package var pause: Duration
  package var labels: JobLabels?

  package init(job: Job, lane: Lane, replays: String?, pause: Duration, labels: JobLabels? = nil) {
    self.job = job
    self.labels = labels
    self.lane = lane
    self.replays = replays
    self.pause = pause
  }
}

package enum ParentsReply: Sendable, Equatable {
  /// All have succeeded.
  case ready
  /// The job itself is not as one that waits: `admit` says how it stands.
  case ask
  /// - Parameter pause: until it asks again: longer where many of its user wait.
  case wait(succeeded: Int, pause: Duration)
  /// One has ended otherwise; without a status it is no job of this user.
  case failed(String, RunStatus?)
  /// Nobody has known it for too long.
  case missing(String)
}

/// What one of the jobs made that another one waited for.
package struct ParentOutput: Sendable, Equatable {
  package var id: String
  package var taskType: String
  /// JSON text; nil where only the ledger remembers the job, and it made no file.
  package var output: [UInt8]?

  package init(id: String, taskType: String, output: [UInt8]?) {
    self.id = id
    self.taskType = taskType
    self.output = output
  }
}

package enum InputsReply: Sendable, Equatable {
  case inputs([ParentOutput])
  case tooLarge
  /// The success of this one is not known any more.
  case gone(String)
}

extension AdmissionDesk {
  /// Asks for many at once; those that have to wait are noted as waiting.
  package func parents(of children: [ChildJob]) async throws(AdmissionError) -> [ParentsReply] {
    let calls = children.map { child in
      let job = child.job
      let call = call(AdmissionScripts.parents, 384 + job.after.count * 64)
        .arg(job.id).arg(job.userKey).arg(job.digest).arg(child.lane.rawValue).arg(job.taskType.rawValue)
        .arg(child.replays ?? "").arg(child.pause.milliseconds).arg(configuration.unfinishedTTL.milliseconds)
        .arg(configuration.parentPatience.milliseconds).arg(child.labels?.text ?? [])
      return job.after.reduce(call) { $0.arg($1) }
    }
    return try await run(calls, ParentsReply.init(reading:))
  }

  /// What the jobs made that each of these waited for, in the order of `after`.
  /// - Parameter limit: bytes that the outputs for one job may have together.
  package func inputs(for jobs: [Job], within limit: Int) async throws(AdmissionError) -> [InputsReply] {
    let calls = jobs.map { job in
      job.after.reduce(call(AdmissionScripts.inputs, 128 + job.after.count * 64).arg(job.userKey).arg(Int64(limit))) {
        $0.arg($1)
      }
    }
    return try await run(calls, InputsReply.init(reading:))
  }

  /// Jobs of which billing is asked. Each is named once: who still waits asks again.
  package func takeAsked(limit: Int) async throws(AdmissionError) -> [String] {
    try await run([call(AdmissionScripts.takeAsked, 128).arg(Int64(limit))]) { $0.array?.compactMap(\.string) }[0]
  }

  /// What the ledger knows of jobs that succeeded, for those that wait for them.
  package func tell(of parents: [(user: String, parent: ParentOutput)]) async throws(AdmissionError) {
    guard !parents.isEmpty else { return }
    _ = try await send(
      parents.flatMap { user, parent in
        let key = keys.parent(parent.id)
        return [
          RedisCommand("HSET", capacity: 256 + (parent.output?.count ?? 0)).arg(key)
            .arg("user").arg(Identifier.base64url(user)).arg("task").arg(parent.taskType)
            .arg("output").arg(parent.output ?? []),
          RedisCommand("PEXPIRE").arg(key).arg(configuration.unfinishedTTL.milliseconds),
        ]
      })
  }
}

extension ParentsReply {
  /// The forms that the header of `parents.lua` promises; nil for anything else.
  fileprivate init?(reading value: RedisValue) {
    guard let parts = value.array, let word = parts.first?.string else { return nil }
    switch (word, parts.count) {
    case ("ready", 1): self = .ready
    case ("ask", 1): self = .ask
    case ("wait", 3):
      guard let count = parts[1].int, let pause = parts[2].int else { return nil }
      self = .wait(succeeded: Int(count), pause: .milliseconds(pause))
    case ("failed", 3):
      guard let id = parts[1].string, let status = parts[2].string else { return nil }
      self = .failed(id, RunStatus(rawValue: status))
    case ("missing", 2):
      guard let id = parts[1].string else { return nil }
      self = .missing(id)
    default: return nil
    }
  }
}

extension InputsReply {
  /// The forms that the header of `inputs.lua` promises; nil for anything else.
  fileprivate init?(reading value: RedisValue) {
    guard let parts = value.array, let word = parts.first?.string else { return nil }
    switch word {
    case "inputs":
      var inputs: [ParentOutput] = []
      for part in parts.dropFirst() {
        guard let texts = part.array, texts.count == 3, let id = texts[0].string, let task = texts[1].string,
          let output = texts[2].bytes
        else { return nil }
        inputs.append(ParentOutput(id: id, taskType: task, output: output.isEmpty ? nil : output))
      }
      self = .inputs(inputs)
    case "too_large": self = .tooLarge
    case "gone":
      guard parts.count == 2, let id = parts[1].string else { return nil }
      self = .gone(id)
    default: return nil
    }
  }
}
