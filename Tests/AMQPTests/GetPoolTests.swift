import Testing

@testable import AMQP

struct GetPoolTests {
  /// What the pool wrote, and what it answered once everything is answered.
  private struct Round {
    var frames: [(method: UInt32, channel: UInt16)] = []
    var results: [AMQPGetResult] = []

    func channels(_ method: UInt32) -> [UInt16] { frames.filter { $0.method == method }.map(\.channel) }
  }

  private func newPool() -> GetPool { GetPool(firstChannel: 6, maxBodyBytes: 100) }

  /// Asks for `queues` and has `answer` settle the matter.
  private func ask(
    _ pool: inout GetPool, _ queues: [String], channelMax: Int = 2047, answer: (inout GetPool, Round) -> Void
  ) async -> Round {
    var round = Round()
    var asked = pool
    round.results = await withCheckedContinuation { continuation in
      asked.ask(GetBatch(queues, continuation))
      round.frames = frames(&asked, channelMax: channelMax)
      answer(&asked, round)
    }
    pool = asked
    return round
  }

  private func frames(_ pool: inout GetPool, channelMax: Int = 2047) -> [(method: UInt32, channel: UInt16)] {
    var writer = AMQPWriter()
    var generation: UInt64 = 40
    pool.write(to: &writer, channelMax: channelMax) {
      generation += 1
      return generation
    }
    var frames: [(UInt32, UInt16)] = []
    var rest = writer.bytes[...]
    while !rest.isEmpty {
      let head = Array(rest.prefix(11))
      frames.append((head[7...10].reduce(0) { $0 << 8 | UInt32($1) }, UInt16(head[1]) << 8 | UInt16(head[2])))
      rest = rest.dropFirst(8 + head[3...6].reduce(0) { $0 << 8 | Int($1) })
    }
    return frames
  }

  private func message(_ pool: inout GetPool, _ channel: UInt16, tag: UInt64) {
    Array("name".utf8).withUnsafeBytes { name in
      [UInt8]([0, 0]).withUnsafeBytes { properties in
        do throws(AMQPError) {
          let got = AMQPFrame.got(tag: tag, redelivered: false, exchange: name, routingKey: name, left: 0)
          try pool.take(got, channel: channel)
          try pool.take(.header(bodyBytes: 0, properties: properties), channel: channel)
        } catch {
          Issue.record(error)
        }
      }
    }
  }

  /// Answers every get of the round with a message.
  private func messages(_ pool: inout GetPool, _ round: Round) {
    var tags: [UInt16: UInt64] = [:]
    for channel in round.channels(AMQPMethod.basicGet) {
      tags[channel, default: 0] += 1
      message(&pool, channel, tag: tags[channel, default: 0])
    }
  }

  @Test func `the first get opens a channel behind those of the subscriptions`() async {
    var pool = newPool()
    let round = await ask(&pool, ["q"]) { messages(&$0, $1) }
    #expect(round.frames.map(\.method) == [AMQPMethod.channelOpen, AMQPMethod.basicGet])
    #expect(round.frames.map(\.channel) == [6, 6])
    #expect(pool.generations == [41])
    #expect(pool.unsettled == 1)
    #expect(round.results.first?.message?.address == AMQPDeliveryAddress(generation: 41, channel: 6, tag: 1))
  }

  @Test func `one channel holds at most 24 of a queue, sixteen hold 384, and the next one is told to settle`() async {
    var pool = newPool()
    let round = await ask(&pool, Array(repeating: "q", count: 385)) { messages(&$0, $1) }
    let perChannel = Dictionary(grouping: round.channels(AMQPMethod.basicGet)) { $0 }.mapValues(\.count)
    #expect(perChannel.count == 16)
    #expect(perChannel.values.allSatisfy { $0 == 24 })
    #expect(round.results.count { $0.message != nil } == 384)
    #expect(round.results.last?.error?.code == .busy)
    #expect(round.results.last?.error?.disposition == .retry)
  }

  @Test func `settling makes room on the same channel, and the settlement goes before the get`() async {
    var pool = newPool()
    let first = await ask(&pool, Array(repeating: "q", count: 24)) { messages(&$0, $1) }
    let address = first.results[0].message?.address ?? AMQPDeliveryAddress(generation: 0, channel: 0, tag: 0)
    let isSettled = [pool.settle(address, .ack), pool.settle(address, .ack)]
    #expect(isSettled == [true, false])
    let second = await ask(&pool, ["q"]) { pool, _ in message(&pool, 6, tag: 25) }
    #expect(second.frames.map(\.method) == [AMQPMethod.basicAck, AMQPMethod.basicGet])
    #expect(second.frames.map(\.channel) == [6, 6])
    #expect(pool.unsettled == 24)
  }

  @Test func `many queues share the channels, a queue keeps to the one that holds it`() async {
    var pool = newPool()
    let queues = (0..<20).map { "q\($0)" }
    let first = await ask(&pool, queues) { messages(&$0, $1) }
    #expect(Set(first.channels(AMQPMethod.basicGet)).count == 3)
    let held = first.results.map { $0.message?.address.channel ?? 0 }
    let second = await ask(&pool, queues.reversed()) { pool, round in
      for channel in round.channels(AMQPMethod.basicGet) { nothing(&pool, channel) }
    }
    #expect(second.channels(AMQPMethod.basicGet) == held.reversed())
    #expect(second.frames.count == 20)
    #expect(second.results.allSatisfy { $0.isEmpty })
  }

  @Test func `a closed channel fails what it was asked first, sends the rest again and loses what it held`() async {
    var pool = newPool()
    let error = AMQPError(.notFound, "no queue", .permanent)
    _ = await ask(&pool, ["held"]) { messages(&$0, $1) }
    let round = await ask(&pool, ["gone", "a", "b"]) { pool, _ in
      let lost = pool.channelClosed(6, error)
      #expect(lost == 1)
      #expect(pool.generations == [0])
      let again = frames(&pool)
      #expect(again.map(\.method) == [AMQPMethod.channelOpen, AMQPMethod.basicGet, AMQPMethod.basicGet])
      nothing(&pool, 6)
      nothing(&pool, 6)
    }
    #expect(round.results[0].error == error)
    #expect(round.results[1...].allSatisfy { $0.isEmpty })
    let isSettled = pool.settle(AMQPDeliveryAddress(generation: 41, channel: 6, tag: 1), .requeue)
    #expect(!isSettled)
    #expect(pool.unsettled == 0)
  }

  @Test func `a lost connection fails what is asked and what waits`() async {
    var pool = newPool()
    let error = AMQPError(.unreachable, "gone", .reconnect)
    let round = await ask(&pool, ["a", "b"]) { pool, _ in pool.lost(error) }
    #expect(round.results.map(\.error) == [error, error])
    #expect(pool.generations == [0])
  }

  @Test func `it opens no channel that the broker would refuse`() async {
    var pool = newPool()
    let round = await ask(&pool, Array(repeating: "q", count: 49), channelMax: 7) { messages(&$0, $1) }
    #expect(Set(round.channels(AMQPMethod.basicGet)) == [6, 7])
    #expect(round.results.last?.error?.code == .busy)
    var none = newPool()
    let refused = await ask(&none, ["q"], channelMax: 5) { _, _ in }
    #expect(refused.results.first?.error?.code == .busy)
  }

  @Test func `a name that AMQP cannot express fails alone`() async {
    var pool = newPool()
    let round = await ask(&pool, [String(repeating: "q", count: 256), "q"]) { pool, _ in nothing(&pool, 6) }
    #expect(round.results[0].error?.code == .configuration)
    #expect(round.results[1].isEmpty)
  }

  @Test func `an answer that was not asked is malformed`() async {
    var pool = newPool()
    _ = await ask(&pool, ["q"]) { pool, _ in nothing(&pool, 6) }
    var error: AMQPError?
    do { try pool.take(.gotNothing, channel: 6) } catch let thrown { error = thrown }
    #expect(error?.code == .malformed)
  }

  private func nothing(_ pool: inout GetPool, _ channel: UInt16) {
    do throws(AMQPError) { try pool.take(.gotNothing, channel: channel) } catch { Issue.record(error) }
  }
}

extension AMQPGetResult {
  var message: AMQPDelivery? { if case .message(let message, _) = self { message } else { nil } }
  var remaining: Int? { if case .message(_, let remaining) = self { remaining } else { nil } }
  var error: AMQPError? { if case .failed(let error) = self { error } else { nil } }
  var isEmpty: Bool { if case .empty = self { true } else { false } }
}
