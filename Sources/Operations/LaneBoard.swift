package import AMQP
package import Admission
package import Contracts

/// The fleet at one moment: what waits where and who works. Made of two readings, of the broker and of Redis, a moment
/// apart.
package struct LaneBoard: Sendable, Encodable {
  package struct Row: Sendable, Encodable {
    package var lane: String
    /// In the queue, not delivered.
    package var ready: Int
    /// Ready, or delivered to a worker whose slots are full, or waiting and free to start. What is over a limit is not
    /// among them.
    package var runnable: Int
    /// For how long the oldest of those that workers know of has lacked nothing but a slot.
    package var oldestRunnableSeconds: Double
    /// By reason.
    package var waiting: [String: Int]
    package var running: Int
    package var consumers: Int
  }

  package var time: String
  package var lanes: [Row]
  package var workers: Int
  package var slots: Int
  package var dead: Int
  package var blocked: Int
  /// What stands against all jobs or many; empty as a rule.
  package var notices: [String]
  /// What is the matter, where it was asked for; left out of JSON otherwise.
  package var verdict: Verdict?

  package static func read(
    _ desk: AdmissionDesk, _ topology: Topology, through admin: AMQPAdmin
  ) async throws -> LaneBoard {
    let figures = try await desk.fleetFigures()
    var queues: [Lane: AMQPQueueStatus] = [:]
    for lane in Lane.allCases { queues[lane] = try await admin.queueStatus(topology.queue(of: lane)) }
    return LaneBoard(
      figures: figures, queues: queues,
      dead: try await admin.queueStatus(topology.dead).messages,
      blocked: try await admin.queueStatus(topology.blocked).messages)
  }

  package init(figures: FleetFigures, queues: [Lane: AMQPQueueStatus], dead: Int, blocked: Int) {
    time = figures.at.description
    lanes = Lane.allCases.map { lane in
      let ready = queues[lane]?.messages ?? 0
      let waiting = (figures.waiting[lane] ?? [:]).map { ($0.key.rawValue, $0.value) }
      return Row(
        lane: lane.rawValue, ready: ready, runnable: ready + figures.buffered(lane) + (figures.heads[lane] ?? 0),
        oldestRunnableSeconds: figures.oldestRunnable(lane).seconds,
        waiting: Dictionary(uniqueKeysWithValues: waiting.filter { $0.1 > 0 }), running: figures.running(lane),
        consumers: queues[lane]?.consumers ?? 0)
    }
    workers = figures.workers.count
    slots = figures.slots
    notices = Self.notices(figures)
    self.dead = dead
    self.blocked = blocked
  }

  /// - Parameter sample: one that Redis and the broker have answered for.
  package init(_ sample: FleetSample, _ verdict: Verdict) {
    time = sample.time.description
    lanes = sample.lanes.map { lane in
      Row(
        lane: lane.lane.rawValue, ready: lane.ready ?? 0, runnable: lane.runnable,
        oldestRunnableSeconds: lane.oldestRunnable.seconds,
        waiting: Dictionary(uniqueKeysWithValues: lane.waiting.map { ($0.key.rawValue, $0.value) }),
        running: lane.running, consumers: lane.consumers ?? 0)
    }
    workers = sample.workers
    slots = sample.slots
    notices = sample.notices
    dead = sample.dead ?? 0
    blocked = sample.blocked ?? 0
    self.verdict = verdict
  }

  static func notices(_ figures: FleetFigures) -> [String] {
    var notices: [String] = []
    if let hold = figures.hold {
      notices.append("Redis lost its memory: nothing starts for \(Explanation.words(hold.seconds)); it ends by itself")
    }
    if !figures.isSurveyed { notices.append("bays are being looked at: waiting jobs take the delay ladder meanwhile") }
    if !figures.isMoneyReady {
      notices.append("what was spent is being counted: users with a cap or a quota wait until tollway billing is done")
    }
    return notices
  }
}
