import Admission
import Catalog
import Contracts
import Lanes
import Providers

// Jobs that wait for other jobs: whether those have succeeded, and what they made.

extension Pipeline {
  /// Bytes that the outputs of all jobs that one waited for may have together.
  static let mostInputs = 4 << 20
  /// What is further away takes several trips, so that nobody is unknown for longer than others wait for it after a loss
  /// of Redis.
  static let longestTrip: Duration = .seconds(512)

  /// How long until a job looks again after those it waits for, at least: 1, 2, 4, then 8 s.
  private static func pause(afterTrips trips: Int) -> Duration { .seconds(1 << min(trips, 3)) }

  /// All that a wave is planned with, in one round trip; of its jobs that wait for others, by delivery, how those stand.
  func look(
    at wave: [Arrival]
  ) async throws(AdmissionError) -> (outlook: AdmissionDesk.Outlook, parents: [UInt64: ParentsReply]) {
    let children = wave.filter { !$0.job.after.isEmpty && $0.lane != nil }
    guard !children.isEmpty else { return (try await desk.outlook(of: wave.map(\.job)), [:]) }
    async let asked = parents(of: children)
    let outlook = try await desk.outlook(of: wave.map(\.job))
    let replies = try await asked.get()
    try await forsake(zip(children, replies).compactMap { $1.isInVain && $0.job.ownsAfter ? $0.job : nil })
    return (outlook, Dictionary(zip(children.map(\.delivery.serial), replies), uniquingKeysWith: { first, _ in first }))
  }

  /// What was to be made for these jobs alone is not begun any more. Said before their ends are written: a worker that dies
  /// in between leaves them to another one, which says it again.
  private func forsake(_ jobs: [Job]) async throws(AdmissionError) {
    try await desk.forsake(parentsOf: jobs.map { ($0, note: "because job \($0.id), for which it was made, failed") })
  }

  private func parents(of children: [Arrival]) async -> Result<[ParentsReply], AdmissionError> {
    do {
      let replies = try await desk.parents(
        of: children.map { child in
          ChildJob(
            job: child.job, lane: child.lane ?? .low, replays: child.delivery.replays,
            pause: Self.pause(afterTrips: child.delivery.trips),
            labels: JobLabels(of: child.job, tier: nil, queuedAt: child.firstSeen))
        })
      return .success(replies)
    } catch {
      return .failure(error)
    }
  }

  /// What is planned for a job. One that waits for others takes no note of breakers: it makes no attempt now.
  /// - Parameter parents: nil for a job that waits for none.
  func plan(
    _ arrival: Arrival, _ planner: Planner, _ entitlement: Entitlement?, _ time: Timestamp, _ parents: ParentsReply?,
    _ view: inout BreakerView
  ) -> Planned {
    switch parents {
    case nil, .ready, .ask:
      return planner.plan(arrival.job, foundIn: arrival.lane, entitlement: entitlement, now: time, view: &view)
    case .wait, .failed, .missing: break
    }
    var aside = view
    let planned = planner.plan(arrival.job, foundIn: arrival.lane, entitlement: entitlement, now: time, view: &aside)
    let plan: Plan
    switch planned {
    case .plan(let found), .resting(_, let found): plan = found
    case .move, .notYet, .notReady, .end: return planned
    }
    let message: String
    switch parents {
    case .failed(let id, let status?): message = "job \(id), for which it waits, ended \(status.rawValue)"
    case .failed(let id, nil): message = "job \(id), for which it waits, is no job of this user"
    case .missing(let id): message = "job \(id), for which it waits, is not known"
    case .wait(_, let pause): return .notReady(pause)
    case nil, .ready, .ask: return planned
    }
    return .end(ResultEvent.Fault(.parentFailed, message), tier: plan.tier.code)
  }

  /// Gives those jobs that were admitted what the jobs made that they waited for. One whose inputs are more than a job
  /// can take ends; one whose inputs were lost in this moment gives everything back and looks for them again.
  func giveInputs(to passed: inout Passed) async throws(AdmissionError) {
    let children = passed.started.filter { !$0.job.after.isEmpty }
    guard !children.isEmpty else { return }
    let replies = try await desk.inputs(for: children.map(\.job), within: Self.mostInputs)
    passed.started.removeAll { !$0.job.after.isEmpty }
    for (run, reply) in zip(children, replies) {
      switch reply {
      case .inputs(let outputs):
        do {
          passed.started.append(run.with(try run.job.given(outputs)))
        } catch {
          passed.verdicts.append(tooMuch(for: run))
        }
      case .tooLarge: passed.verdicts.append(tooMuch(for: run))
      // What it was given before it was left alone is at its provider already.
      case .gone where run.remoteTask != nil: passed.started.append(run)
      case .gone:
        _ = try await desk.pause(run.lease, ended: nil, isMade: false)
        passed.verdicts.append(.handBack(Arrival(run, run.delivery), after: .seconds(1), .parents))
      }
    }
  }

  private func tooMuch(for run: Run) -> Verdict {
    var progress = RunProgress(run)
    let bound =
      "at most \(Self.mostInputs >> 20) MiB, \(JSONParser.maximumValues) values, \(JSONParser.maximumDepth) deep"
    progress.fault = ResultEvent.Fault(
      .callerError, "the outputs of the jobs that it waited for are more than a job takes: \(bound)")
    return .ended(RunEnd(progress), run.delivery)
  }
}

extension ParentsReply {
  /// Whether the job will never be ready.
  fileprivate var isInVain: Bool {
    switch self {
    case .failed, .missing: true
    case .ready, .ask, .wait: false
    }
  }
}

extension Job {
  /// With the outputs of the jobs in `after` as `inputs` of its payload.
  func given(_ outputs: [ParentOutput]) throws(JSONFault) -> Job {
    var json = JSONWriter(capacity: outputs.reduce(64) { $0 + ($1.output?.count ?? 4) + 192 })
    json.literal("[")
    for (index, parent) in outputs.enumerated() {
      json.literal(index > 0 ? ",{" : "{")
      json.member("id", parent.id)
      json.member("taskType", parent.taskType)
      json.key("output")
      if let output = parent.output { json.raw(output) } else { json.literal("null") }
      json.literal("}")
    }
    json.literal("]")
    return with(payload: try payload.replacing(JobMessage.inputs, with: json.bytes))
  }
}
