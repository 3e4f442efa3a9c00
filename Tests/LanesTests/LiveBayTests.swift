import AMQP
import Contracts
import TestKit
import Testing

@testable import Lanes

@Suite(.enabled(if: LiveBays.isWanted))
struct LiveBayTests {
  private let firstSeen = Timestamp(milliseconds: 1_763_999_000_000)

  @Test func `parked jobs are the heads of their bay in order, with number, lane and what remains`() async throws {
    try await LiveBays.with { live in
      let keeper = live.broker.bayKeeper()
      #expect(try await keeper.open(2) == 0)
      try await live.withEnds { intake, post in
        let arrivals = try await live.arrivals(["a", "b", "c"], intake, post)
        #expect(arrivals.allSatisfy { $0.copy == 0 && $0.bay == nil })
        let copies = arrivals.map {
          post.park($0, bay: 2, copy: 7, firstSeen: firstSeen, lane: .high, followsTier: true)
        }
        #expect(await post.deliver(copies))
        await intake.ack(arrivals)
        #expect(try await keeper.open(2) == 3)

        let results = await intake.heads(of: [(2, .low), (2, .low)])
        #expect(results.map { $0.head?.messageID } == ["a", "b"])
        #expect(results.map(\.remaining) == [2, 1])
        let head = try #require(results[0].head)
        #expect(head.copy == 7)
        #expect(head.followsTier)
        #expect(head.lane == .low)
        #expect(head.bay == 2)
        #expect(head.trips == 0)
        #expect(head.firstSeen == firstSeen)
        #expect(head.fault == nil)
        #expect(head.message.routingKey == "high")
        #expect(intake.isCurrent(head))
        #expect(Set(results.compactMap { $0.head?.serial } + arrivals.map(\.serial)).count == 5)
        await intake.ack(results.compactMap(\.head))
        let last = await intake.heads(of: [(2, .low), (2, .low), (3, .low)])
        #expect(last[0].head?.messageID == "c")
        #expect(last[1].isEmpty)
        #expect(last[2].isEmpty, "a bay that does not exist holds nothing")
      }
      // Its channel was lost with the bay that does not exist.
      try await waitUntil("the last is back") { try await keeper.open(2) == 1 }
      await keeper.close()
    }
  }

  @Test func `a head that is handed back, moved or parked again keeps its number and takes the lane it is given`()
    async throws
  {
    try await LiveBays.with { live in
      let keeper = live.broker.bayKeeper()
      _ = try await keeper.open(1)
      await keeper.close()
      try await live.withEnds { intake, post in
        let arrival = try await live.arrivals(["a"], intake, post)
        #expect(
          await post.deliver([
            post.park(arrival[0], bay: 1, copy: 3, firstSeen: firstSeen, lane: .low, followsTier: false)
          ]))
        await intake.ack(arrival)
        let head = try #require(await intake.heads(of: [(1, .low)])[0].head)
        let back = post.handBack(head, firstSeen: firstSeen, after: .seconds(1), lane: .standard)
        #expect(post.handBack(head, firstSeen: firstSeen, after: .seconds(1)).publication.routingKey == "low")
        #expect(await post.deliver([back, post.move(head, to: .standard, firstSeen: firstSeen)]))
        await intake.ack([head])
        let came = try await live.deliveries(2, intake)
        #expect(came.map(\.copy) == [3, 3])
        #expect(came.map(\.trips).sorted() == [0, 1])
        #expect(came.allSatisfy { $0.lane == .standard && $0.bay == nil && $0.messageID == "a" })
        await intake.ack(came)
      }
    }
  }

  @Test func `a parked job that nobody fetched goes back to its lane by itself`() async throws {
    try await LiveBays.with { live in
      let keeper = BayKeeper(topology: live.topology, admin: live.broker.admin(), timeToLive: .milliseconds(300))
      _ = try await keeper.open(1)
      try await live.withEnds { intake, post in
        let arrival = try await live.arrivals(["a"], intake, post)
        #expect(
          await post.deliver([
            post.park(arrival[0], bay: 1, copy: 5, firstSeen: firstSeen, lane: .standard, followsTier: false)
          ]))
        await intake.ack(arrival)
        let came = try await live.deliveries(1, intake)
        #expect(came[0].messageID == "a")
        #expect(came[0].copy == 5)
        #expect(came[0].lane == .standard)
        #expect(came[0].bay == nil)
        #expect(came[0].fault == nil)
        await intake.ack(came)
      }
      #expect(try await keeper.open(1) == 0)
      await keeper.close()
    }
  }

  @Test func `a bay is made once, refused if it was made otherwise, and found with what is in it`() async throws {
    try await LiveBays.with { live in
      let keeper = live.broker.bayKeeper()
      #expect(try await keeper.existing(upTo: LiveBays.pool).isEmpty)
      #expect(try await keeper.open(1) == 0)
      #expect(try await keeper.open(1) == 0)
      #expect(try await keeper.open(3) == 0)
      let other = BayKeeper(topology: live.topology, admin: live.admin, timeToLive: .seconds(1))
      await #expect(throws: AMQPError.self) { try await other.open(1) }
      try await live.withEnds { intake, post in
        let arrivals = try await live.arrivals(["a", "b"], intake, post)
        #expect(
          await post.deliver(
            arrivals.map { post.park($0, bay: 3, copy: 1, firstSeen: firstSeen, lane: .low, followsTier: false) }))
        await intake.ack(arrivals)
      }
      let begin = ContinuousClock.now
      let found = try await keeper.existing(upTo: 256)
      #expect(ContinuousClock.now - begin < .seconds(30))
      #expect(found.map(\.bay) == [1, 3])
      #expect(found.map(\.messages) == [0, 2])
      #expect(try await TopologyKeeper(topology: live.topology, admin: live.admin).check().isEmpty)
      await keeper.close()
      #expect(try await keeper.open(2) == 0)
      await keeper.close()
    }
  }
}
