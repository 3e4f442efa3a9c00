import AMQP
import Admission
import Billing
import Catalog
import Contracts
import Lanes
import Logging
import Observability
import Operations

/// Looks at the whole fleet once a second and writes to the ledger what is the matter and what no longer is; from there
/// `AlertSender` takes it. The one voice on what is not money: one process of several, the one that holds the role.
struct FleetWatch {
  let wires: Wires
  let ledger: Ledger
  let role: Role
  let lag: LedgerLag
  let pulse: BrokerPulse
  let policy: @Sendable () -> Policy
  let registry: MetricRegistry
  /// Takes what has to be told although the ledger cannot be written.
  let unwritten: UnwrittenAlerts

  private static let interval: Duration = .seconds(1)

  /// What one term of the role knows.
  private struct Term {
    var rules: ConditionRules
    var ages = QueueAges()
    /// Told and not written yet.
    var told: [Condition.Key: (condition: Condition, figures: ConditionFigures?)] = [:]
  }

  /// Until cancelled.
  func run() async {
    let admin = wires.broker.admin()
    var term: Term?
    var outages = Outages(logger: wires.logger)
    while !Task.isCancelled {
      do { try await Task.sleep(for: Self.interval) } catch { break }
      guard role.isOurs else {
        if term != nil { count(nil) }
        term = nil
        continue
      }
      do throws(LedgerError) {
        var current: Term
        if let term { current = term } else { current = try await begin() }
        defer {
          term = current
          count(current)
        }
        try await look(&current, admin, &outages)
        outages.end()
      } catch {
        outages.note("what is the matter with the fleet cannot be written to the ledger", error)
      }
    }
    await admin.close()
  }

  /// A process that does not watch knows of nothing.
  private func count(_ term: Term?) {
    let kinds = term?.rules.active.keys.map(\.kind) ?? []
    registry.update { store in
      for kind in Condition.Kind.allCases {
        store.set(Metrics.conditions, kind.rawValue, to: Double(kinds.count { $0 == kind }))
      }
    }
  }

  private func begin() async throws(LedgerError) -> Term {
    Term(rules: ConditionRules(active: try await ledger.conditions()))
  }

  private func look(_ term: inout Term, _ admin: AMQPAdmin, _ outages: inout Outages) async throws(LedgerError) {
    let reading = await read(&term, admin, &outages)
    let changes = term.rules.look(reading, at: Wires.now())
    if lag.isStuck {
      for change in changes { tell(change, &term) }
    } else {
      for (key, told) in term.told {
        term.rules.note(raised: try await ledger.raise(told.condition, told.figures, isTold: true))
        term.told[key] = nil
      }
    }
    for change in changes where term.told[change.condition.key] == nil {
      do throws(LedgerError) {
        try await write(change, &term)
      } catch {
        if error.code != .cancelled { tell(change, &term) }
        throw error
      }
    }
  }

  private func write(_ change: ConditionRules.Change, _ term: inout Term) async throws(LedgerError) {
    let key = change.condition.key
    switch change {
    case .raise(let condition, let figures) where term.rules.active[key] == nil:
      term.rules.note(raised: try await ledger.raise(condition, figures))
    case .raise: break
    case .recover:
      try await ledger.recover(key)
      term.rules.note(recovered: key)
    }
  }

  /// That nothing can be booked is told without the ledger, which may be what is broken; a disk that is full can be the
  /// broker's as well.
  private func tell(_ change: ConditionRules.Change, _ term: inout Term) {
    guard case .raise(let condition, let figures) = change, [.ledgerLag, .broker].contains(condition.key.kind),
      term.told[condition.key] == nil
    else { return }
    term.told[condition.key] = (condition, figures)
    unwritten.put(condition.unwritten(figures))
  }

  private func read(_ term: inout Term, _ admin: AMQPAdmin, _ outages: inout Outages) async -> FleetReading {
    var figures: FleetFigures?
    do {
      figures = try await wires.desk.fleetFigures()
    } catch {
      outages.note("the fleet's figures cannot be read", error)
    }
    var ages: [Lane: Duration]?
    var dead: Int?
    do {
      var ready: [Lane: Int] = [:]
      for lane in Lane.allCases {
        ready[lane] = try await admin.queueStatus(wires.topology.queue(of: lane)).messages
      }
      dead = try await admin.queueStatus(wires.topology.dead).messages
      if let figures { ages = term.ages.look(workers: figures.workers, ready: ready, at: Wires.now()) }
    } catch {
      outages.note("the fleet's queues cannot be counted", error)
    }
    var reading = FleetReading(figures, queueAges: ages, dead: dead, ledgerLag: lag.fleetFigure, under: policy())
    reading.brokerSilence = pulse.silence
    do throws(LedgerError) {
      let newest = try await ledger.quarantine(limit: 1).first
      let begin = Timestamp(milliseconds: Wires.now().milliseconds - ConditionRules.window.milliseconds)
      reading.hasQuarantined = newest.map { $0.receivedAt > begin } ?? false
      // Who quarantines an event writes that down as a condition at once.
      for condition in try await ledger.conditions() where term.rules.active[condition.key] == nil {
        term.rules.note(raised: condition)
      }
    } catch {
      outages.note("conditions and quarantine cannot be read from the ledger", error)
    }
    return reading
  }
}

/// Failures that repeat every second, each told once until all is well again.
private struct Outages {
  let logger: Logger
  private var told: Set<String> = []
  private var isNew = false

  init(logger: Logger) { self.logger = logger }

  mutating func note(_ what: String, _ error: any Error) {
    isNew = true
    guard !Task.isCancelled, told.insert(what).inserted else { return }
    logger.error("\(what)", metadata: [LogKey.error: "\(error)"])
  }

  /// Of one look.
  mutating func end() {
    if !isNew { told = [] }
    isNew = false
  }
}
