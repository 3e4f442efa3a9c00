package import Contracts
import Redis

// Ending jobs before their time.

/// A job that nobody runs and that is to end, as far as Redis knows it.
package struct IdleJob: Sendable, Equatable {
  package var id: String
  /// base64url.
  package var userKey: String
  package var digest: String
  /// Nil before its first attempt, and of one that was blocked: its end is a run of its own.
  package var run: String?
  package var attempt: Int
  /// Nil of a job that no worker has looked at.
  package var taskType: TaskType?
  package var labels: JobLabels
  /// Events of its attempts that were not known to be settled.
  package var costs: [[UInt8]]
}

package enum CancelReply: Sendable, Equatable {
  case unknown
  /// Before, and it is not blocked.
  case ended(RunStatus)
  /// And was left alone.
  case running
  /// Its worker was told.
  case stopping
  /// To be finished by who asked.
  case idle(IdleJob)
}

/// One run of a worker that is to end.
package struct StopRequest: Sendable, Equatable {
  package var leaseID: String
  /// For people: who wants it and why.
  package var note: String

  init?(reading text: String) {
    guard let blank = text.firstIndex(of: " ") else { return nil }
    leaseID = String(text[..<blank])
    note = String(text[text.index(after: blank)...])
  }

  fileprivate var text: String { "\(leaseID) \(note)" }
}

extension AdmissionDesk {
  /// Marks a job as one that is to end: it is not begun any more. Asking again changes nothing.
  /// - Parameters:
  ///   - user: whose it must be; a job of another one is not known. Nil for any.
  ///   - note: for people, who wants it and why.
  package func cancel(_ job: String, of user: String? = nil, note: String) async throws(AdmissionError) -> CancelReply {
    let call = call(cancelling: job, of: user.map { Identifier.base64url($0) } ?? "", note, sparesRunning: false)
    return try await run([call]) { CancelReply(reading: $0, of: job) }[0]
  }

  /// The same for the jobs that others wait for in vain, if they are of the same user and do not run: whoever takes one
  /// up ends it. One that nobody knows, or that is blocked, is left alone.
  package func forsake(parentsOf children: [(job: Job, note: String)]) async throws(AdmissionError) {
    let calls = children.flatMap { job, note in
      job.after.map { call(cancelling: $0, of: job.userKey, note, sparesRunning: true) }
    }
    guard !calls.isEmpty else { return }
    _ = try await run(calls) { CancelReply(reading: $0, of: "") }
  }

  private func call(
    cancelling job: String, of userKey: String, _ note: String, sparesRunning: Bool
  ) -> RedisScriptCall {
    call(AdmissionScripts.cancel, 512)
      .arg(job).arg(note).arg(configuration.unfinishedTTL.milliseconds).arg(userKey).arg(sparesRunning ? "1" : "0")
  }

  /// A worker has done what it was told, or has no such run.
  package func forget(_ requests: [StopRequest], of worker: String) async throws(AdmissionError) {
    guard !requests.isEmpty else { return }
    _ = try await send([
      requests.reduce(RedisCommand("SREM", capacity: 64 + requests.count * 256).arg(keys.cancels(worker))) {
        $0.arg($1.text)
      }
    ])
  }
}

extension CancelReply {
  /// The forms that the header of `cancel.lua` promises; nil for anything else.
  fileprivate init?(reading value: RedisValue, of job: String) {
    guard let parts = value.array, let word = parts.first?.string else { return nil }
    switch word {
    case "unknown": self = .unknown
    case "running": self = .running
    case "stopping": self = .stopping
    case "ended":
      guard parts.count == 2, let status = parts[1].string.flatMap(RunStatus.init(rawValue:)) else { return nil }
      self = .ended(status)
    case "yours":
      guard parts.count >= 10, let user = parts[1].string, let digest = parts[2].string, let run = parts[3].string,
        let attempt = parts[4].int, let task = parts[5].string, let tier = parts[6].string,
        let queuedAt = parts[7].string, let series = parts[8].string, let metadata = parts[9].bytes
      else { return nil }
      self = .idle(
        IdleJob(
          id: job, userKey: user, digest: digest, run: run.isEmpty ? nil : run, attempt: Int(attempt),
          taskType: TaskType(rawValue: task),
          labels: JobLabels(tier: tier, queuedAt: queuedAt, seriesID: series, metadata: metadata),
          costs: parts.dropFirst(10).compactMap(\.bytes)))
    default: return nil
    }
  }
}
