import Admission
import Catalog
import Contracts
import Lanes
import Observability

// What the worker counts, each in one place. Batches, so that a job costs no lock of its own.

extension MetricRegistry {
  /// What describes the whole fleet and reads the same in every replica.
  func set(_ figures: FleetFigures, ready: [Lane: Int], providers: some Sequence<String>) {
    update { store in
      for provider in providers {
        store.set(Metrics.providerState, provider, to: figures.providers[provider]?.figure ?? 0)
        store.set(Metrics.providerLatencySeconds, provider, to: figures.calls(provider).percentile(95)?.seconds ?? 0)
      }
      for lane in Lane.allCases {
        for reason in WaitReason.allCases {
          store.set(
            Metrics.waiting, lane.rawValue, reason.rawValue, to: Double(figures.waiting[lane]?[reason] ?? 0))
        }
        let runnable = (ready[lane] ?? 0) + figures.buffered(lane) + (figures.heads[lane] ?? 0)
        store.set(Metrics.runnable, lane.rawValue, to: Double(runnable))
        store.set(Metrics.oldestRunnableSeconds, lane.rawValue, to: figures.oldestRunnable(lane).seconds)
        store.set(Metrics.laneWaitSeconds, lane.rawValue, to: figures.waits(lane).percentile(95)?.seconds ?? 0)
      }
      if let messages = figures.messagesPerJob { store.set(Metrics.brokerMessagesPerJob, to: messages) }
    }
  }

  func count(_ verdicts: [Verdict]) {
    update { store in
      for verdict in verdicts { store.count(verdict) }
    }
  }

  /// Of a run that goes on later: its end counts the attempts made there.
  func count(_ events: [CostEvent]) {
    update { store in
      for event in events { store.count(event) }
    }
  }

  func admitted(after duration: Duration) {
    update { $0.observe(duration.seconds, in: Metrics.admissionSeconds) }
  }
}

extension MetricStore {
  fileprivate mutating func count(_ event: CostEvent) {
    add(to: Metrics.attempts, event.provider, event.outcome.rawValue)
    add(
      Double(event.cost.amount.nanoUSD) / 1e9, to: Metrics.costUSD, event.tier, event.provider,
      event.taskType.rawValue)
  }

  fileprivate mutating func count(_ verdict: Verdict) {
    add(to: Metrics.deliveries, verdict.delivery.lane?.rawValue ?? "intake", verdict.word)
    switch verdict {
    case .ended(let end, _):
      let run = end.run
      let status = end.fault?.status ?? .succeeded
      let task = run.job.taskType.rawValue
      add(to: Metrics.jobs, run.lane.rawValue, run.plan.tier.code, task, status.rawValue)
      observe(Double(end.milliseconds) / 1000, in: Metrics.jobSeconds, task)
      let wait = Double(max(0, run.startedAt.milliseconds - run.firstSeen.milliseconds)) / 1000
      observe(wait, in: Metrics.waitSeconds, run.lane.rawValue, run.waitedFor?.rawValue ?? "slot")
      for event in end.events { count(event) }
    case .closed(let run):
      add(
        to: Metrics.jobs, run.arrival.lane?.rawValue ?? "intake", run.tier, run.arrival.job.taskType.rawValue,
        run.fault.status.rawValue)
    case .known: add(to: Metrics.duplicates, "delivery")
    case .bury(_, let refusal) where refusal.code == .idConflict: add(to: Metrics.duplicates, "conflict")
    case .park, .handBack, .rest, .stale, .move, .identify, .bury: break
    }
  }
}

extension BreakerState {
  /// As `tollway_provider_state` counts.
  fileprivate var figure: Double { reason == .hand ? 3 : isProbed ? 1 : 2 }
}

extension Verdict {
  var isEnd: Bool { if case .ended = self { true } else { false } }

  var delivery: Delivery {
    switch self {
    case .ended(_, let delivery): delivery
    case .closed(let run): run.arrival.delivery
    case .known(let arrival, _), .park(let arrival, _), .handBack(let arrival, _, _), .rest(let arrival, _, _),
      .move(let arrival, _, _):
      arrival.delivery
    case .stale(let delivery), .identify(let delivery, _), .bury(let delivery, _): delivery
    }
  }

  /// The label of `tollway_deliveries_total`.
  var word: String {
    switch self {
    case .ended(let end, _): Self.word(end.fault)
    case .closed(let run): Self.word(run.fault)
    case .known, .stale: "absorbed"
    case .park: "parked"
    case .handBack, .rest: "handed_back"
    case .move, .identify: "moved"
    case .bury: "dead"
    }
  }

  private static func word(_ fault: ResultEvent.Fault?) -> String {
    switch fault?.resting {
    case .dead: "dead"
    case .blocked: "blocked"
    case .gone, nil: "done"
    }
  }
}
