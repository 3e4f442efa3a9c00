import TestKit
import Testing

@testable import Providers

struct PermitsTests {
  @Test func `whoever is cancelled while waiting gets none and takes none away`() async throws {
    let permits = Permits(1)
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let holder = Task {
      await permits.holding {
        for await _ in gate {}; return 1
      }
    }
    try await waitUntil("the permit is taken") { await permits.freeCount == 0 }
    let waiter = Task { await permits.holding { 2 } }
    try await waitUntil("somebody waits") { await permits.waitingCount == 1 }
    waiter.cancel()
    #expect(await waiter.value == nil)
    let next = Task { await permits.holding { 3 } }
    try await waitUntil("somebody waits again") { await permits.waitingCount == 1 }
    open.finish()
    #expect(await holder.value == 1)
    #expect(await next.value == 3)
    #expect(await permits.freeCount == 1)
  }
}
