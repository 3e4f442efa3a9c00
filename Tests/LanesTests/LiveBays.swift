import AMQP
import Contracts
import Foundation
import Logging
import TestKit
import Testing

@testable import Lanes

/// A fleet's topology under a namespace of its own on a real broker, gone afterwards, with what a worker has of it.
struct LiveBays {
  /// Live tests run only where a broker is named for them.
  static var isWanted: Bool { ProcessInfo.processInfo.environment["TOLLWAY_TEST_AMQP_URL"] != nil }
  /// Bays that tests use; they are deleted afterwards.
  static let pool = 4

  let topology: Topology
  let configuration: AMQPConfiguration
  let broker: LaneBroker
  let admin: AMQPAdmin

  static func with(_ body: (LiveBays) async throws -> Void) async throws {
    let configuration = try AMQPConfiguration(url: try await LiveBroker.shared().url, name: "lanes-tests")
    let topology = Topology(namespace: Namespace.unique())
    let broker = LaneBroker(configuration, topology: topology, logger: Logger(label: "lanes-tests"))
    let live = LiveBays(topology: topology, configuration: configuration, broker: broker, admin: broker.admin())
    _ = try await TopologyKeeper(topology: topology, admin: live.admin).apply()
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await body(live)) } catch { outcome = .failure(error) }
    try await live.clear()
    try outcome.get()
  }

  /// The worker's ends, connected. The intake serves the lane `standard`.
  func withEnds(_ body: (LaneIntake, PostOffice) async throws -> Void) async throws {
    let intake = broker.intake(lanes: [.standard], prefetch: 10)
    let post = broker.postOffice()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await intake.run() }
      group.addTask { await post.run() }
      try await waitUntil("the intake is connected") { intake.isConnected }
      try await body(intake, post)
      group.cancelAll()
    }
  }

  /// Deliveries as the intake brings them, of jobs with these ids.
  func arrivals(_ ids: [String], _ intake: LaneIntake, _ post: PostOffice) async throws -> [Delivery] {
    let time = Timestamp(milliseconds: 1_764_000_000_000)
    let jobs = ids.map { Submission(id: $0, body: Array("{}".utf8), lane: .standard).dispatch(in: topology, at: time) }
    #expect(await post.deliver(jobs))
    return try await deliveries(ids.count, intake)
  }

  func deliveries(_ count: Int, _ intake: LaneIntake) async throws -> [Delivery] {
    var all: [Delivery] = []
    while all.count < count {
      let more = await intake.next()
      guard !more.isEmpty else { throw CancellationError() }
      all += more
    }
    return all
  }

  private func clear() async throws {
    let plan = TopologyPlan(topology: topology, version: "3.10")
    let bays = (1...Self.pool).map { topology.bay($0) }
    for queue in plan.queues.map(\.name) + bays { try await admin.queueDelete(queue) }
    for exchange in plan.exchanges.map(\.name) + bays { try await admin.exchangeDelete(exchange) }
    await admin.close()
  }
}

extension HeadResult {
  var head: Delivery? { if case .head(let delivery, _) = self { delivery } else { nil } }
  var remaining: Int? { if case .head(_, let remaining) = self { remaining } else { nil } }
  var isEmpty: Bool { if case .empty = self { true } else { false } }
  var failure: String? { if case .failed(let reason) = self { reason } else { nil } }
}
