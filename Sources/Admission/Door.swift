package import Contracts

/// One request at the door of the fleet: a job that its sender wants in, or many together.
package struct DoorRequest: Sendable {
  package let job: Job
  package let lane: Lane
  /// Code of the user's tier; what is shown of the job until a worker knows it.
  package let tier: String
  /// Leases that the job's user may hold at once.
  package let concurrency: Int
  package let limits: AdmissionLimits
  /// Of a request for many jobs, which `job` only stands for: all of them, first the one that workers know it by.
  package let jobs: [Job]

  package init(
    job: Job, lane: Lane, tier: String, concurrency: Int, limits: AdmissionLimits, jobs: [Job] = []
  ) {
    self.job = job
    self.jobs = jobs
    self.lane = lane
    self.tier = tier
    self.concurrency = concurrency
    self.limits = limits
  }

  /// What the jobs use of a month, whichever provider serves them, as `door.lua` takes it.
  var spends: String {
    guard jobs.isEmpty else { return Set(jobs.map(\.taskType)).map(Self.spends).joined(separator: " ") }
    return Self.spends(job.taskType)
  }

  private static func spends(_ task: TaskType) -> String {
    switch task {
    case .llm, .embedding: tokens
    case .tts: audio
    case .video: video
    case .image, .echo: money
    }
  }

  private static let money = names([.money, .jobs])
  private static let tokens = names([.money, .jobs, .tokens])
  private static let audio = names([.money, .jobs, .audio])
  private static let video = names([.money, .jobs, .video])

  private static func names(_ limits: [MonthlyLimit]) -> String { limits.map(\.rawValue).joined(separator: " ") }
}

package enum DoorAnswer: Sendable, Equatable {
  /// It may come in, and the windows have counted it.
  case pass(DoorPlace, DoorWindows)
  /// The same job, or the same request for many, is here already; nothing was counted. Position 0: it runs or has ended.
  case known(DoorPlace)
  /// Another body or another user under the same id.
  case conflict
  /// Too many requests; one can come in after this time.
  case rate(Duration, DoorWindows)
  /// The month's cap or a quota of it is used up, by the ledger alone.
  case usedUp(MonthlyLimit, at: Timestamp, DoorWindows)
  /// Redis lost its memory: tiers and limits may not be known for this long.
  case hold(Duration)
}

/// Where a job stands, or would stand, among those of its user in its lane.
package struct DoorPlace: Sendable, Equatable {
  /// By the server's clock.
  package var at: Timestamp
  /// Counts from 1.
  package var position: Int
  /// From `at` until it starts; an estimate. Nil of a job that waits for others, which have not all succeeded.
  package var start: Duration?

  package init(at: Timestamp, position: Int, start: Duration?) {
    self.at = at
    self.position = position
    self.start = start
  }

  package var expectedStart: Timestamp? {
    start.map { Timestamp(milliseconds: at.milliseconds + $0.milliseconds) }
  }
}

/// What the windows of the door have left for a user; nil where nothing limits.
package struct DoorWindows: Sendable, Equatable {
  package struct Window: Sendable, Equatable {
    package var left: Int
    /// Until there is one more.
    package var next: Duration

    package init(left: Int, next: Duration) {
      self.left = left
      self.next = next
    }
  }

  /// Requests in any 60 seconds.
  package var minute: Window?
  /// The bucket that fills at the sustained rate.
  package var bucket: Window?
}
