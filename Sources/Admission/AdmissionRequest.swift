package import Contracts

/// One job that asks to start.
package struct AdmissionRequest: Sendable {
  package var job: Job
  package var lane: Lane
  /// Leases that the job's user may hold at once; 0 only asks how the job stands.
  package var limit: Int
  /// Names the lease; another one for each delivery, the same when asking again for one.
  package var leaseID: String
  /// The run's stamp if this starts a new run.
  package var runStamp: String
  /// What the first attempt will be, in a form that `AdmissionReply.orphan` hands back.
  package var intent: [UInt8]
  /// The run that this message replays or releases; nil for ordinary messages.
  package var replays: String?

  package init(
    job: Job, lane: Lane, limit: Int, leaseID: String, runStamp: String, intent: [UInt8], replays: String?
  ) {
    self.job = job
    self.lane = lane
    self.limit = limit
    self.leaseID = leaseID
    self.runStamp = runStamp
    self.intent = intent
    self.replays = replays
  }
}

package enum AdmissionReply: Sendable, Equatable {
  /// The lease is held. `active` counts the user's leases with this one; `at` is the server's time; `costs` are events
  /// of earlier attempts of the run that were not known to be settled.
  case admitted(run: String, attempt: Int, active: Int, at: Timestamp, costs: [[UInt8]])
  /// The user holds all its leases; the first of them ends after `lease` at the latest.
  case full(active: Int, lease: Duration)
  /// Another delivery of this job runs and keeps its lease at least this long.
  case running(Duration)
  /// An attempt began, its holder is gone, no end was written.
  case orphan(run: String, attempt: Int, intent: [UInt8])
  case finished(FinishedRun)
  /// Another body or another user under the same id.
  case conflict
  /// No attempt is left; `lastWasUnknown` when the last one was never heard of again.
  case exhausted(run: String, attempt: Int, lastWasUnknown: Bool, costs: [[UInt8]])
  /// The limit was 0 and nobody runs the job. `run` is nil before its first attempt; `costs` as in `admitted`.
  case idle(run: String?, attempt: Int, costs: [[UInt8]])
  /// Redis lost its memory; nothing is granted for this long.
  case hold(Duration)
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
package struct HeldLease: Sendable {
  package let job: Job
  package let user: String
  package let leaseID: String
  package let run: String
  package var attempt: Int
  package var intent: [UInt8]

  package init(job: Job, leaseID: String, run: String, attempt: Int, intent: [UInt8]) {
    self.job = job
    user = Identifier.base64url(job.userID)
    self.leaseID = leaseID
    self.run = run
    self.attempt = attempt
    self.intent = intent
  }
}

package enum RenewReply: String, Sendable { case renewed, restored, lost }

/// The end of a run, to be written down.
package struct Finish: Sendable {
  package var job: Job
  package var lane: Lane
  /// Nil for a run that ends without any attempt.
  package var leaseID: String?
  package var run: String
  package var status: RunStatus
  /// The result event without its output.
  package var result: [UInt8]
  package var output: [UInt8]?
  /// Number of the last attempt, 0 for none.
  package var attempt: Int
  /// Cost events that `advance` has not written yet, by attempt.
  package var costs: [(attempt: Int, event: [UInt8])]

  package init(
    job: Job, lane: Lane, leaseID: String?, run: String, status: RunStatus, result: [UInt8], output: [UInt8]?,
    attempt: Int, costs: [(attempt: Int, event: [UInt8])]
  ) {
    self.job = job
    self.lane = lane
    self.leaseID = leaseID
    self.run = run
    self.status = status
    self.result = result
    self.output = output
    self.attempt = attempt
    self.costs = costs
  }
}

package enum FinishReply: Sendable, Equatable {
  case finished(run: String)
  /// The job was taken away from this lease; these attempts of its run were declared unknown meanwhile.
  case superseded(declaredUnknown: [Int])
  /// Redis lost the run and another one began: what was spent here is in nobody's books yet.
  case supersededByAnotherRun
  /// Nobody held a lease here and another delivery runs.
  case running(Duration)
  /// Nobody held a lease here and the job had ended before.
  case known(FinishedRun)
  case conflict
}
