import AMQP
import Admission
import Contracts

/// The fleet at one moment: what waits where and who works. Made of two readings, of the broker and of Redis, a moment
/// apart.
struct LaneBoard: Encodable {
  struct Row: Encodable {
    var lane: String
    /// In the queue, not delivered.
    var ready: Int
    /// Ready, or delivered to a worker whose slots are full, or waiting and free to start. What is over a limit is not
    /// among them.
    var runnable: Int
    /// For how long the oldest of those that workers know of has lacked nothing but a slot.
    var oldestRunnableSeconds: Double
    /// By reason.
    var waiting: [String: Int]
    var running: Int
    var consumers: Int
  }

  var time: String
  var lanes: [Row]
  var workers: Int
  var slots: Int
  var dead: Int
  var blocked: Int
  /// What stands against all jobs or many; empty as a rule.
  var notices: [String]

  static func read(_ wires: Wires, through admin: AMQPAdmin) async throws -> LaneBoard {
    let figures = try await wires.desk.fleetFigures()
    var queues: [Lane: AMQPQueueStatus] = [:]
    for lane in Lane.allCases { queues[lane] = try await admin.queueStatus(wires.topology.queue(of: lane)) }
    return LaneBoard(
      figures: figures, queues: queues,
      dead: try await admin.queueStatus(wires.topology.dead).messages,
      blocked: try await admin.queueStatus(wires.topology.blocked).messages)
  }

  init(figures: FleetFigures, queues: [Lane: AMQPQueueStatus], dead: Int, blocked: Int) {
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

  private static func notices(_ figures: FleetFigures) -> [String] {
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

  var table: Table {
    var table = Table([
      "LANE", .number("READY"), .number("RUNNABLE"), "WAITING", .number("RUNNING"), .number("CONSUMERS"),
    ])
    for row in lanes {
      table.add(
        "\(row.lane)", .init(row.ready), .init(row.runnable), .init(row.waitingText), .init(row.running),
        .init("\(row.consumers)", row.consumers == 0 ? .yellow : nil))
    }
    return table
  }

  var summary: String {
    "workers \(workers), slots \(slots), dead letters \(dead), blocked \(blocked)"
  }

  /// One line for a log: `time critical ready=0 ...; high ...`.
  var line: String {
    let lanes = lanes.map {
      "\($0.lane) ready=\($0.ready) runnable=\($0.runnable) waiting=\($0.waitingText) running=\($0.running)"
    }
    return (["\(time)  \(lanes.joined(separator: "; "))"] + notices).joined(separator: "; ")
  }
}

extension LaneBoard.Row {
  /// `0`, or `12 concurrency`.
  fileprivate var waitingText: String {
    let reasons = waiting.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    return reasons.isEmpty ? "0" : reasons.joined(separator: ", ")
  }
}
