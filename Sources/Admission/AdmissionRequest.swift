package import Contracts

/// One job that asks to start. A class, as are `HeldLease` and `Finish`: they go from hand to hand, and a copy would
/// cost a retain for each of their texts.
package final class AdmissionRequest: Sendable {
  package let job: Job
  package let lane: Lane
  /// Leases that the job's user may hold at once; 0 only asks how the job stands.
  package let limit: Int
  /// Names the lease; another one for each delivery, the same when asking again for one.
  package let leaseID: String
  /// The run's stamp if this starts a new run.
  package let runStamp: String
  /// What the first attempt will be, in a form that `AdmissionReply.orphan` hands back.
  package let intent: [UInt8]
  /// The run that this message replays or releases; nil for ordinary messages.
  package let replays: String?
  /// The message's number among the copies of the job; the sender's own is 0.
  package let copy: Int
  /// Of a head of a bay.
  package let claim: Claim?
  package let limits: AdmissionLimits
  /// The most that the dearest attempt of the plan can use; nil when neither money nor quota is limited.
  package let worst: Spending?
  /// Of the policy in force.
  package let stamp: String
  /// Kept if the job has to wait.
  package let labels: JobLabels?

  package init(
    job: Job, lane: Lane, limit: Int, leaseID: String, runStamp: String, intent: [UInt8], replays: String? = nil,
    copy: Int = 0, claim: Claim? = nil, limits: AdmissionLimits = AdmissionLimits(), worst: Spending? = nil,
    stamp: String = "", labels: JobLabels? = nil
  ) {
    self.job = job
    self.labels = labels
    self.lane = lane
    self.limit = limit
    self.leaseID = leaseID
    self.runStamp = runStamp
    self.intent = intent
    self.replays = replays
    self.copy = copy
    self.claim = claim
    self.limits = limits
    self.worst = worst
    self.stamp = stamp
  }
}

package enum AdmissionReply: Sendable, Equatable {
  /// The lease is held. `active` counts the user's leases with this one; `at` is the server's time; `month` is what the
  /// run is charged to; `costs` are events of earlier attempts of the run that were not known to be settled.
  case admitted(run: String, attempt: Int, active: Int, at: Timestamp, month: String, costs: [[UInt8]])
  case wait(WaitPlace)
  /// The month's cap or a quota of it is used up. `run` and `costs` as in `idle`.
  case blocked(by: MonthlyLimit, run: String?, attempt: Int, costs: [[UInt8]])
  /// A later copy of the job lies where it can be found: this message is not needed any more.
  case stale
  /// Another delivery of this job runs and keeps its lease at least this long.
  case running(Duration)
  /// An attempt began, its holder is gone, no end was written.
  case orphan(run: String, attempt: Int, intent: [UInt8], month: String)
  case finished(FinishedRun)
  /// Another body or another user under the same id.
  case conflict
  /// Somebody wants the job ended, and nobody runs it. The note is for people; `run` and `costs` as in `idle`.
  case cancelled(note: String, run: String?, attempt: Int, costs: [[UInt8]])
  /// No attempt is left; `lastWasUnknown` when the last one was never heard of again.
  case exhausted(run: String, attempt: Int, lastWasUnknown: Bool, costs: [[UInt8]])
  /// The limit was 0 and nobody runs the job. `run` is nil before its first attempt; `costs` as in `admitted`.
  case idle(run: String?, attempt: Int, costs: [[UInt8]])
  /// Redis lost its memory; nothing is granted for this long.
  case hold(Duration)
}

/// What of a month can be used up. The raw values are the scripts' words.
package enum MonthlyLimit: String, Sendable {
  case money = "nano_usd"
  case tokens
  case audio
  case video
  case jobs
}

/// What is kept of a run that has ended.
package struct FinishedRun: Sendable, Equatable {
  package var run: String
  package var status: RunStatus
  /// The result event without its output.
  package var result: [UInt8]
  /// JSON text; nil when there is none or it was kept long enough.
  package var output: [UInt8]?
  /// Number of its last attempt.
  package var attempts: Int
  /// Cost events that were not known to be confirmed and settled.
  package var costs: [[UInt8]]
}

/// The lease of a running job and all that Redis would need to learn again after a loss.
package final class HeldLease: Sendable {
  package let job: Job
  package let user: String
  package let leaseID: String
  package let run: String
  package let attempt: Int
  package let intent: [UInt8]
  /// That the run is charged to, such as `2026-11`.
  package let month: String
  /// Reserved for the attempt; nil when neither money nor quota of the user is limited.
  package let worst: Spending?

  package init(
    job: Job, leaseID: String, run: String, attempt: Int, intent: [UInt8], month: String, worst: Spending? = nil
  ) {
    self.job = job
    user = job.userKey
    self.leaseID = leaseID
    self.run = run
    self.attempt = attempt
    self.intent = intent
    self.month = month
    self.worst = worst
  }

  /// The same attempt with another intent.
  package func noting(intent: [UInt8]) -> HeldLease {
    HeldLease(
      job: job, leaseID: leaseID, run: run, attempt: attempt, intent: intent, month: month, worst: worst)
  }

  /// The same lease with the run's next attempt.
  package func advanced(intent: [UInt8], worst: Spending?) -> HeldLease {
    HeldLease(
      job: job, leaseID: leaseID, run: run, attempt: attempt + 1, intent: intent, month: month, worst: worst)
  }
}

package enum RenewReply: String, Sendable { case renewed, restored, lost }

package enum AdvanceReply: String, Sendable {
  case advanced
  /// What the next attempt may cost no longer fits, or the run paused: it stopped here and gave everything back.
  case refused
  /// Somebody else holds the job now.
  case lost
}

package enum ContinueReply: Sendable, Equatable {
  /// The lease is held. `month`, `active` and `at` as in `AdmissionReply.admitted`.
  case continued(month: String, active: Int, at: Timestamp, costs: [[UInt8]])
  /// The user has no free lease.
  case full
  /// Somebody holds the attempt, or it is none any more: ask `admit` again.
  case lost
  /// Redis lost its memory; nothing is granted for this long.
  case hold(Duration)
}

/// How one attempt ended: its event, and what it spent for the books (nil when nothing of the user is limited).
package struct AttemptCost: Sendable {
  package var attempt: Int
  package var event: [UInt8]
  package var spent: Spending?

  package init(attempt: Int, event: [UInt8], spent: Spending?) {
    self.attempt = attempt
    self.event = event
    self.spent = spent
  }
}

/// The end of a run, to be written down.
package final class Finish: Sendable {
  /// Nil where its message is not at hand.
  package let job: Job?
  package let jobID: String
  /// base64url.
  let userKey: String
  let digest: String
  /// Empty where it is not known.
  let taskType: String
  /// Nil for a run that ends without any attempt.
  package let leaseID: String?
  package let run: String
  package let status: RunStatus
  /// The result event without its output.
  package let result: [UInt8]
  package let output: [UInt8]?
  /// Number of the last attempt, 0 for none.
  package let attempt: Int
  /// Of attempts that `advance` has not written yet.
  package let costs: [AttemptCost]
  /// That the run is charged to; nil when nothing of the user is limited.
  package let month: String?

  package init(
    job: Job, leaseID: String?, run: String, status: RunStatus, result: [UInt8], output: [UInt8]?,
    attempt: Int, costs: [AttemptCost], month: String? = nil
  ) {
    self.job = job
    jobID = job.id
    userKey = job.userKey
    digest = job.digest
    taskType = job.taskType.rawValue
    self.leaseID = leaseID
    self.run = run
    self.status = status
    self.result = result
    self.output = output
    self.attempt = attempt
    self.costs = costs
    self.month = month
  }

  /// The most bytes of references to files that are kept beside the result; hundreds of files.
  private static let mostFiles = 64 << 10

  /// What of the output is kept as long as the job is remembered: references to files.
  var files: [UInt8]? {
    output.flatMap { $0.count <= Self.mostFiles ? CostEvent.reference(in: $0) : nil }
  }

  /// Of a job whose message cannot be read, by what the door remembers of it.
  package init(burying job: String, _ mark: DoorMark, taskType: String?, run: String, result: [UInt8]) {
    self.job = nil
    jobID = job
    userKey = mark.userKey
    digest = mark.digest
    self.taskType = taskType ?? ""
    leaseID = nil
    self.run = run
    status = .failed
    self.result = result
    output = nil
    attempt = 0
    costs = []
    month = nil
  }

  /// Of a job that nobody runs and that is to end, by what `cancel` said of it.
  package init(cancelling job: IdleJob, run: String, result: [UInt8]) {
    self.job = nil
    jobID = job.id
    userKey = job.userKey
    digest = job.digest
    taskType = job.taskType?.rawValue ?? ""
    leaseID = nil
    self.run = run
    status = .cancelled
    self.result = result
    output = nil
    attempt = job.attempt
    costs = []
    month = nil
  }
}

package enum FinishReply: Sendable, Equatable {
  /// `next` is the lane in which a waiting job of the same user can run now.
  case finished(run: String, next: Lane?)
  /// The job was taken away from this lease; the events of those attempts of its run that were declared unknown.
  case superseded(declaredUnknown: [[UInt8]])
  /// Redis lost the run and another one began: what was spent here is in nobody's books yet.
  case supersededByAnotherRun
  /// Nobody held a lease here and another delivery runs.
  case running(Duration)
  /// Nobody held a lease here and the job had ended before.
  case known(FinishedRun)
  case conflict
}
