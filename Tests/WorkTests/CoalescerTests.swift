import Contracts
import Providers
import Synchronization
import TestKit
import Testing

@testable import Work

@Suite struct CoalescerTests {
  private static func call(_ number: Int) throws -> ProviderCall {
    let body = #"{"id":"j\#(number)","userId":"u","taskType":"embedding","payload":{"input":"word"}}"#
    guard case .job(let job) = JobMessage.decode(Array(body.utf8), messageID: nil) else {
      throw SystemFailure("the message is no job")
    }
    return ProviderCall(
      job: job, model: "m", modelVersion: nil, attemptID: "j\(number)/r/1", deadline: .now + .seconds(120))
  }

  private static func key(_ tier: String) -> Coalescer.Key {
    Coalescer.Key(tier: tier, task: .embedding, provider: "p", model: "m", version: nil)
  }

  /// Answers with the id of each call; remembers how many came together.
  private static func carry(_ calls: [ProviderCall], _ sizes: borrowing Mutex<[Int]>) -> [ProviderAnswer] {
    sizes.withLock { $0.append(calls.count) }
    return calls.map { .success(ProviderReply(output: Array($0.job.id.utf8), usage: [])) }
  }

  private final class Sizes: Sendable {
    let seen = Mutex<[Int]>([])
  }

  private static func run(_ tiers: [String], size: Int) async throws -> (answers: [String], sizes: [Int]) {
    let coalescer = Coalescer(window: .seconds(1))
    let sizes = Sizes()
    let calls = try tiers.indices.map(call)
    let answers = await withTaskGroup(of: (Int, String).self) { group in
      for (number, tier) in tiers.enumerated() {
        group.addTask {
          let answer = await coalescer.call(calls[number], key(tier), size: size) { carry($0, sizes.seen) }.answer
          guard case .success(let reply) = answer else { return (number, "failed") }
          return (number, String(decoding: reply.output, as: UTF8.self))
        }
      }
      return await group.reduce(into: [Int: String]()) { $0[$1.0] = $1.1 }
    }
    return (tiers.indices.map { answers[$0] ?? "" }, sizes.seen.withLock { $0.sorted() })
  }

  @Test func `calls at once travel together up to the size and each gets its own answer`() async throws {
    let (answers, sizes) = try await Self.run([String](repeating: "A", count: 10), size: 4)
    #expect(answers == (0..<10).map { "j\($0)" })
    #expect(sizes == [2, 4, 4])
  }

  @Test func `tiers do not share a call`() async throws {
    let (answers, sizes) = try await Self.run(["A", "B", "A", "B"], size: 10)
    #expect(answers == ["j0", "j1", "j2", "j3"])
    #expect(sizes == [2, 2])
  }

  @Test func `a call alone goes alone`() async throws {
    let (answers, sizes) = try await Self.run(["A"], size: 10)
    #expect(answers == ["j0"])
    #expect(sizes == [1])
  }

  @Test func `a caller that gives up does not wait for the others`() async throws {
    let coalescer = Coalescer(window: .seconds(2))
    let (first, second) = (try Self.call(0), try Self.call(1))
    let gate = Gates()
    let leader = Task {
      await coalescer.call(first, Self.key("A"), size: 2) { calls in
        await gate.wait()
        return calls.map { _ in .success(ProviderReply(output: [], usage: [])) }
      }
    }
    try await waitUntil("a batch is open") { coalescer.waiting == 1 }
    let follower = Task {
      await coalescer.call(second, Self.key("A"), size: 2) { _ in [] }
    }
    try await waitUntil("the batch is full") { coalescer.waiting == 0 }
    follower.cancel()
    guard case .failure(let failure) = await follower.value.answer else {
      Issue.record("a cancelled call succeeded")
      return
    }
    #expect(failure.kind == .cancelled)
    gate.open()
    guard case .success = await leader.value.answer else {
      Issue.record("the leader's call failed")
      return
    }
  }

  private static func isCancelled(_ answer: ProviderAnswer, reached: Bool) -> Bool {
    guard case .failure(let failure) = answer else { return false }
    return failure.kind == .cancelled && failure.reachedProvider == reached
  }

  @Test func `the first that gives up does not end the call of the others, the last one does`() async throws {
    let coalescer = Coalescer(window: .seconds(1))
    let (isBrokenOff, isCarrying) = (Gates(), Gates())
    let carry: @Sendable ([ProviderCall]) async -> [ProviderAnswer] = { calls in
      isCarrying.open()
      while !Task.isCancelled { await Task.yield() }
      isBrokenOff.open()
      return calls.map { _ in
        .failure(ProviderFailure(.cancelled, "broken off", usage: [Usage(.requests, ExactDecimal(1), .provider)]))
      }
    }
    let calls = try (0..<3).map(Self.call)
    let tasks = calls.map { call in
      Task { await coalescer.call(call, Self.key("A"), size: 3, carry: carry).answer }
    }
    await isCarrying.wait()
    for task in tasks.dropLast() {
      task.cancel()
      #expect(Self.isCancelled(await task.value, reached: true))
      #expect(!isBrokenOff.isPassed)
    }
    tasks[2].cancel()
    guard case .failure(let failure) = await tasks[2].value else {
      Issue.record("a call that was broken off succeeded")
      return
    }
    #expect(failure.usage.count == 1, "the last one hears what was used")
  }

  @Test func `one that gives up before the batch departs is not in it`() async throws {
    let coalescer = Coalescer(window: .seconds(2))
    let sizes = Sizes()
    let calls = try (0..<2).map(Self.call)
    let first = Task { await coalescer.call(calls[0], Self.key("A"), size: 3) { Self.carry($0, sizes.seen) }.answer }
    try await waitUntil("a batch is open") { coalescer.waiting == 1 }
    first.cancel()
    #expect(Self.isCancelled(await first.value, reached: false))
    guard
      case .success(let reply) = await coalescer.call(
        calls[1], Self.key("A"), size: 3,
        carry: {
          Self.carry($0, sizes.seen)
        }
      ).answer
    else {
      Issue.record("the second call failed")
      return
    }
    #expect(reply.output == Array("j1".utf8) && sizes.seen.withLock { $0 } == [1])
  }
}

private final class Gates: Sendable {
  private let isOpen = Mutex(false)
  var isPassed: Bool { isOpen.withLock { $0 } }
  func open() { isOpen.withLock { $0 = true } }
  func wait() async {
    while !isOpen.withLock({ $0 }) { await Task.yield() }
  }
}
