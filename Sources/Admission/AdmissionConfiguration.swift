/// Times and bounds of admission.
package struct AdmissionConfiguration: Sendable, Hashable {
  /// How long a lease lives without renewal. Default 30 s: a dead worker's jobs run again within this and one ladder
  /// trip; shorter leases renew more often and forgive shorter pauses of a worker.
  package var leaseLength: Duration = .seconds(30)
  /// How often running jobs are renewed. Default 10 s; must be well under `leaseLength`.
  package var renewInterval: Duration = .seconds(10)
  /// Most attempts of one run, over all deliveries, fallbacks and crashes. Default 6.
  package var attemptBudget = 6
  /// How long a finished job is remembered for duplicates and status (`TOLLWAY_STATE_TTL`). Default 24 h.
  package var stateTTL: Duration = .seconds(24 * 3600)
  /// How long the output of a finished job is kept for those who ask again. Default 1 h. The files that it names are known
  /// as long as the job.
  package var outputTTL: Duration = .seconds(3600)
  /// How long a job that never ended is remembered after it was last touched. Default 7 days.
  package var unfinishedTTL: Duration = .seconds(7 * 24 * 3600)

  /// How long a claim holds a slot of its user until its head is there. Default 5 s.
  package var claimLength: Duration = .seconds(5)
  /// Parking bays that the fleet may create. Default 256; a quorum queue each.
  package var bays = 256

  /// How long a job waits for another one that nobody knows before it fails. Default 10 min.
  package var parentPatience: Duration = .seconds(600)

  package init() {}
}
