/// The catalogue: every metric of the fleet, and the only place where their names stand. `docs/metrics.md` is this list
/// for people; a test compares the two.
package enum Metrics {
  package static let deliveries = Metric(
    "tollway_deliveries_total", .counter, [.lane, .verdict], "Deliveries taken from a lane, by what became of them.",
    fedSince: "0.1")
  package static let jobs = Metric(
    "tollway_jobs_total", .counter, [.lane, .tier, .task, .status], "Runs that ended, by how.", fedSince: "0.1")
  package static let attempts = Metric(
    "tollway_attempts_total", .counter, [.provider, .outcome], "Calls that reached a provider.", fedSince: "0.1")
  package static let providerCalls = Metric(
    "tollway_provider_calls_total", .counter, [.provider],
    "Calls made; fewer than attempts where jobs travel together.", fedSince: "0.1")
  package static let admissionSeconds = Metric(
    "tollway_admission_seconds", .histogram(buckets: fine), [], "Seconds from asking for admission to its answer.",
    fedSince: "0.1")
  package static let waitSeconds = Metric(
    "tollway_wait_seconds", .histogram(buckets: coarse), [.lane, .reason],
    "Seconds from arrival to start of jobs that started, by the limit that bound last.", fedSince: "0.1")
  package static let jobSeconds = Metric(
    "tollway_job_seconds", .histogram(buckets: coarse), [.task], "Seconds from start to end of a run.",
    fedSince: "0.1")
  package static let running = Metric(
    "tollway_running", .gauge, [.lane], "Jobs running in this process; sum over processes.", fedSince: "0.1")
  package static let slots = Metric(
    "tollway_slots", .gauge, [], "Jobs this process may run at once; sum over processes.", fedSince: "0.1")
  package static let waiting = Metric(
    "tollway_waiting", .gauge, [.lane, .reason], "Jobs in the waiting room of the whole fleet; take the maximum.",
    fedSince: "0.1")
  package static let runnable = Metric(
    "tollway_runnable", .gauge, [.lane], "Jobs of the whole fleet that only lack a slot; take the maximum.",
    fedSince: "0.1")
  package static let brokerMessagesPerJob = Metric(
    "tollway_broker_messages_per_job", .gauge, [],
    "Deliveries and non-empty gets per ended run of the whole fleet; take the maximum.", fedSince: "0.1")
  package static let costUSD = Metric(
    "tollway_cost_usd_total", .counter, [.tier, .provider, .task],
    "US dollars spent, for graphs; the ledger has the exact sums.", fedSince: "0.1")
  package static let ledgerLagSeconds = Metric(
    "tollway_ledger_lag_seconds", .gauge, [],
    """
    Age of the oldest cost event that any billing process has in hand or has booked in the last second, as each says in \
    the ledger once a second; 0 for none; take the maximum.
    """,
    fedSince: "0.1")
  package static let providerState = Metric(
    "tollway_provider_state", .gauge, [.provider],
    "0 serves, 1 is probed, 2 rests after failures, 3 is held; whole fleet, take the maximum.",
    fedSince: "0.1")
  package static let duplicates = Metric(
    "tollway_duplicates_total", .counter, [.kind], "Repetitions that were recognised and absorbed.", fedSince: "0.1")
  package static let reconnects = Metric(
    "tollway_reconnects_total", .counter, [.wire], "Connections made again after a loss.", fedSince: "0.1")
  package static let oldestRunnableSeconds = Metric(
    "tollway_oldest_runnable_seconds", .gauge, [.lane],
    "Age of the oldest job that only lacks a slot; whole fleet, take the maximum.", fedSince: "0.1")
  package static let laneWaitSeconds = Metric(
    "tollway_lane_wait_seconds", .gauge, [.lane],
    "Within so long 95 of 100 jobs started, of the last minute's that lacked only a slot; fleet, take the maximum.",
    fedSince: "0.1")
  package static let providerLatencySeconds = Metric(
    "tollway_provider_latency_seconds", .gauge, [.provider],
    "Within so long 95 of 100 calls of the last minute ended, without clips; whole fleet, take the maximum.",
    fedSince: "0.1")
  package static let conditions = Metric(
    "tollway_conditions", .gauge, [.condition],
    "What is the matter, as administrators were told, by kind; sum over billing processes.", fedSince: "0.1")
  package static let httpRequests = Metric(
    "tollway_http_requests_total", .counter, [.route, .status], "Requests that the gateway answered, by how.",
    fedSince: "0.1")
  package static let httpSeconds = Metric(
    "tollway_http_seconds", .histogram(buckets: fine), [.route],
    "Seconds from the head of a request to the head of its answer.", fedSince: "0.1")
  package static let seriesOverflow = Metric(
    "tollway_series_overflow_total", .counter, [], "Observations dropped because the limit of series was reached.",
    fedSince: "0.1")

  package static let all = [
    deliveries, jobs, attempts, providerCalls, admissionSeconds, waitSeconds, jobSeconds, running, slots, waiting,
    runnable,
    brokerMessagesPerJob, costUSD, ledgerLagSeconds, providerState, duplicates, reconnects, oldestRunnableSeconds,
    laneWaitSeconds, providerLatencySeconds, conditions, httpRequests, httpSeconds,
    seriesOverflow,
  ]

  /// Half a millisecond to five seconds.
  private static let fine = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5]
  /// Ten milliseconds to an hour.
  private static let coarse = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600]
}
