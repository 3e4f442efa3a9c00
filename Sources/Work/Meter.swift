import Admission
import Catalog
import Contracts
import Providers

/// Usage into money into cost events. Pure.
struct Meter: Sendable {
  let prices: PriceBook

  /// The event of an attempt that was made here and answered, or was lost after it was sent.
  func event(
    of run: Run, attempt: Int, candidate planned: Plan.Candidate, answer: ProviderAnswer, at time: Timestamp
  ) -> CostEvent? {
    // Prices hold by the time of the event, not of the plan.
    var candidate = planned
    candidate.price = prices.price(provider: planned.provider.name, model: planned.model, at: time) ?? planned.price
    let measured: (outcome: AttemptOutcome, usage: [Usage], cost: Cost, version: String?)
    switch answer {
    case .success(let reply):
      // What its provider charged it has stated for all that was used, counted or not.
      let usage =
        reply.statedCost == nil
        ? CostMeter.booked(
          reply.usage, of: run.job.payload, task: run.job.taskType, price: candidate.price) : reply.usage
      let cost = cost(of: usage, stated: reply.statedCost, run, candidate)
      measured = (.success, usage, cost, reply.modelVersion ?? candidate.version)
    case .failure(let failure) where Self.isOpen(failure):
      if !failure.usage.isEmpty, Self.isStatedWhole(run.job.taskType) {
        let usage = candidate.price?.countingRequest(failure.usage) ?? failure.usage
        measured = (.unknown, usage, cost(of: usage, stated: nil, run, candidate), candidate.version)
      } else {
        let worst = WorstCase(of: run.job.payload, task: run.job.taskType, price: candidate.price)
        measured = (.unknown, worst.usage, worst.booked, candidate.version)
      }
    case .failure(let failure):
      guard failure.reachedProvider else { return nil }
      guard !failure.usage.isEmpty else {
        measured = (.failed, [], Cost(.zero, basis: .priceBook, priceID: candidate.price?.id), candidate.version)
        break
      }
      let usage = candidate.price?.countingRequest(failure.usage) ?? failure.usage
      measured = (.failed, usage, cost(of: usage, stated: nil, run, candidate), candidate.version)
    }
    return CostEvent(
      jobID: run.job.id, run: run.lease.run, attempt: attempt, seriesID: run.job.seriesID, userID: run.job.userID,
      tier: run.plan.tier.code, taskType: run.job.taskType, provider: candidate.provider.name, model: candidate.model,
      modelVersion: measured.version, outcome: measured.outcome, usage: Self.asked(measured.usage, run.job),
      cost: measured.cost, time: time, chargePeriod: run.lease.month, output: answer.reference)
  }

  /// Whether the call reached its provider and nobody knows what became of it there.
  private static func isOpen(_ failure: ProviderFailure) -> Bool {
    failure.reachedProvider && (failure.kind == .lost || failure.kind == .cancelled)
  }

  /// Pictures and clips with what the job asked for, by which they are priced.
  private static func asked(_ usage: [Usage], _ job: Job) -> [Usage] {
    let dimensions = Price.Dimensions(of: job.payload, task: job.taskType)
    guard !dimensions.isOpen else { return usage }
    return usage.map { entry in
      guard [.images, .videoSeconds].contains(entry.unit) else { return entry }
      return Usage(entry.unit, entry.quantity, entry.source, dimensions: dimensions)
    }
  }

  /// Whether what was stated before an answer was lost is all that was used. A picture or a clip is bought in one
  /// piece, and stated with it. A text's usage grows while it is written: of one that broke off, what was stated may be
  /// no more than its input.
  private static func isStatedWhole(_ task: TaskType) -> Bool {
    switch task {
    case .image, .video: true
    case .llm, .tts, .embedding, .echo: false
    }
  }

  /// The event of an attempt that somebody else began and never ended: its worst case, as an estimate. Where its model has
  /// no price any more, by the one of the call.
  func unknownEvent(
    of job: Job, run: String, attempt: Int, intent: Intent, month: String, at time: Timestamp
  ) -> CostEvent {
    let price =
      prices.price(provider: intent.provider, model: intent.model, at: time)
      ?? prices.price(provider: intent.provider, model: intent.model, at: intent.at)
    let worst = WorstCase(of: job.payload, task: job.taskType, price: price)
    return CostEvent(
      jobID: job.id, run: run, attempt: attempt, seriesID: job.seriesID, userID: job.userID, tier: intent.tier,
      taskType: job.taskType, provider: intent.provider, model: intent.model, modelVersion: intent.version,
      outcome: .unknown, usage: worst.usage, cost: worst.booked, time: time,
      chargePeriod: month)
  }

  /// What to add when an attempt that was declared unknown is heard of after all: the signed difference to what was
  /// booked for it. Nil for an attempt that was not made in this run.
  ///
  /// All that is booked for an attempt goes by one price, the one that holds at the time of its event: else its sum would
  /// depend on who was first, and `reprice` would find it wrong.
  func correction(of declared: CostEvent, by end: RunEnd) -> CostEvent? {
    guard let attempt = end.attempts.first(where: { $0.number == declared.attempt }),
      let candidate = end.run.plan.candidates.first(where: {
        $0.provider.name == attempt.provider && $0.model == attempt.model
      })
    else { return nil }
    var correction = declared
    correction.corrects = declared.id
    correction.correction = 0
    correction.modelVersion = candidate.version
    correction.outcome = .failed
    correction.usage = []
    correction.cost = Cost(.zero, basis: .priceBook, priceID: declared.cost.priceID)
    correction.time = end.run.startedAt
    correction.output = nil
    // An attempt without an event never reached its provider.
    if let late = end.events.first(where: { $0.attempt == declared.attempt }) {
      correction.modelVersion = late.modelVersion
      correction.outcome = late.outcome
      correction.usage = late.usage
      correction.cost = cost(of: late, at: declared.time, end.run, candidate)
      correction.time = late.time
    }
    correction.cost.amount = correction.cost.amount - declared.cost.amount
    for usage in declared.usage { correction.take(back: usage) }
    return correction
  }

  /// What an event would say had its attempt ended at that time.
  private func cost(of event: CostEvent, at time: Timestamp, _ run: Run, _ planned: Plan.Candidate) -> Cost {
    guard event.cost.basis != .provider, !event.usage.isEmpty,
      let price = prices.price(provider: event.provider, model: event.model, at: time)
    else { return event.cost }
    var candidate = planned
    candidate.price = price
    let isGuess = event.outcome == .unknown && event.usage.allSatisfy { $0.source == .estimate }
    guard isGuess else { return cost(of: event.usage, stated: nil, run, candidate) }
    return Cost(price.worstCost(of: event.usage) ?? WorstCase.largest, basis: .estimate, priceID: price.id)
  }

  /// A usage that cannot be priced (a quantity that is negative or absurd) is booked as the worst case, flagged as an
  /// estimate: unseen spending would be worse than a wrong guess that says so.
  private func cost(of usage: [Usage], stated: Money?, _ run: Run, _ candidate: Plan.Candidate) -> Cost {
    CostMeter.cost(
      of: Self.asked(usage, run.job), stated: stated, provider: candidate.provider, price: candidate.price)
      ?? WorstCase(of: run.job.payload, task: run.job.taskType, price: candidate.price).booked
  }
}

extension ProviderAnswer {
  /// To the files that a success made.
  fileprivate var reference: [UInt8]? {
    if case .success(let reply) = self { CostEvent.reference(in: reply.output) } else { nil }
  }
}

extension CostEvent {
  fileprivate mutating func take(back usage: Usage) {
    let negative = ExactDecimal(mantissa: -usage.quantity.mantissa, decimals: usage.quantity.decimals)
    if let index = self.usage.firstIndex(where: { $0.unit == usage.unit && $0.dimensions == usage.dimensions }) {
      self.usage[index].quantity = self.usage[index].quantity + negative
    } else {
      self.usage.append(Usage(usage.unit, negative, .estimate, dimensions: usage.dimensions))
    }
  }
}
