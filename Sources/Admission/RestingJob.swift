package import Contracts

/// A job that waits without having asked for admission, because all that could do it rests, or because it is not yet due.
package struct RestingJob: Sendable {
  package var job: Job
  package var lane: Lane
  /// The instant by the server's clock at which it may go on at the earliest.
  package var until: Timestamp
  package var reason: WaitReason
  /// What was passed over, and why.
  package var passedOver: [RouteSkip]
  package var labels: JobLabels?
  /// The run that its message replays or releases.
  package var replays: String?

  package init(
    job: Job, lane: Lane, until: Timestamp, reason: WaitReason = .providerResting, passedOver: [RouteSkip] = [],
    labels: JobLabels? = nil, replays: String? = nil
  ) {
    self.job = job
    self.lane = lane
    self.until = until
    self.reason = reason
    self.passedOver = passedOver
    self.labels = labels
    self.replays = replays
  }

  /// As Redis keeps it; empty where nothing was passed over.
  var trail: [UInt8] {
    guard !passedOver.isEmpty else { return [] }
    var json = JSONWriter(capacity: 128)
    json.skips(passedOver)
    return json.bytes
  }
}
