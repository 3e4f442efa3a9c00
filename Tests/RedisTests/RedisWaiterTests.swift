import Testing

@testable import Redis

@Suite struct RedisWaiterTests {
  @Test func `the first result wins, early or late`() async throws {
    let early = RedisWaiter<Int>()
    early.resolve(.success(1))
    early.resolve(.success(2))
    #expect(try await early.outcome().get() == 1)

    let late = RedisWaiter<Int>()
    let waiting = Task { await late.outcome() }
    await Task.yield()
    late.resolve(.failure(RedisError(.cancelled, "", .retry)))
    late.resolve(.success(2))
    #expect(await waiting.value == .failure(RedisError(.cancelled, "", .retry)))
  }
}
