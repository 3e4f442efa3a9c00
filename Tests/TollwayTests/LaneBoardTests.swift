import Admission
import Contracts
import Operations
import Testing

@testable import AMQP
@testable import tollway

struct LaneBoardTests {
  private var figures: FleetFigures {
    var report = WorkerReport(worker: "w1", slots: 8)
    report.running[.high] = 3
    report.buffered[.high] = 2
    report.oldest[.high] = .seconds(4)
    return FleetFigures(
      at: Timestamp(milliseconds: 0), workers: [report],
      waiting: [.high: [.concurrency: 12, .rate: 1, .catchingUp: 0]], heads: [.high: 5], headAge: [.high: .seconds(2)])
  }

  private let queues: [Lane: AMQPQueueStatus] = [.high: AMQPQueueStatus(messages: 10, consumers: 1)]

  @Test func `what is over a limit is not runnable, what only lacks a slot is`() throws {
    let board = LaneBoard(figures: figures, queues: queues, dead: 0, blocked: 0)
    let row = try #require(board.lanes.first { $0.lane == "high" })
    #expect(row.ready == 10 && row.runnable == 17 && row.running == 3 && row.consumers == 1)
    #expect(row.waiting == ["concurrency": 12, "rate": 1] && row.oldestRunnableSeconds == 4)
    let line = try #require(board.table.lines(Style(isColoured: false)).first { $0.hasPrefix("high") })
    #expect(line.split(separator: " ").joined(separator: " ") == "high 10 17 12 concurrency, 1 rate 3 1")
    #expect(board.notices.isEmpty)
  }

  @Test func `a loss of Redis is said below the table and in the line of a log`() {
    var figures = figures
    figures.hold = .seconds(20)
    figures.isSurveyed = false
    figures.isMoneyReady = false
    let board = LaneBoard(figures: figures, queues: queues, dead: 0, blocked: 0)
    #expect(board.notices.count == 3)
    #expect(board.notices.first == "Redis lost its memory: nothing starts for 20 s; it ends by itself")
    #expect(board.line.hasSuffix("waiting=0 running=0; " + board.notices.joined(separator: "; ")))
  }
}
