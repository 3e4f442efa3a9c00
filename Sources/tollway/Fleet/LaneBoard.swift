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
    /// Ready, or delivered to a worker whose slots are full.
    var runnable: Int
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

  static func read(_ wires: Wires, through admin: AMQPAdmin) async throws -> LaneBoard {
    let census = try await wires.desk.census()
    var queues: [Lane: AMQPQueueStatus] = [:]
    for lane in Lane.allCases { queues[lane] = try await admin.queueStatus(wires.topology.queue(of: lane)) }
    return LaneBoard(
      time: Wires.now(), census: census, queues: queues,
      dead: try await admin.queueStatus(wires.topology.dead).messages,
      blocked: try await admin.queueStatus(wires.topology.blocked).messages)
  }

  init(
    time: Timestamp, census: AdmissionDesk.Census, queues: [Lane: AMQPQueueStatus], dead: Int, blocked: Int
  ) {
    self.time = time.description
    lanes = Lane.allCases.map { lane in
      let ready = queues[lane]?.messages ?? 0
      let buffered = census.workers.reduce(0) { $0 + ($1.buffered[lane] ?? 0) }
      return Row(
        lane: lane.rawValue, ready: ready, runnable: ready + buffered,
        waiting: ["concurrency": census.waiting[lane] ?? 0],
        running: census.workers.reduce(0) { $0 + ($1.running[lane] ?? 0) },
        consumers: queues[lane]?.consumers ?? 0)
    }
    workers = census.workers.count
    slots = census.workers.reduce(0) { $0 + $1.slots }
    self.dead = dead
    self.blocked = blocked
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
    return "\(time)  \(lanes.joined(separator: "; "))"
  }
}

extension LaneBoard.Row {
  /// `0`, or `12 concurrency`.
  fileprivate var waitingText: String {
    let reasons = waiting.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    return reasons.isEmpty ? "0" : reasons.joined(separator: ", ")
  }
}
