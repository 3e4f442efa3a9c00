import Synchronization
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(5)))
struct GatheringTests {
  private struct Broken: Error {}

  private final class Batches: Sendable {
    private let state = Mutex((sizes: [Int](), isOpen: false))

    var sizes: [Int] { state.withLock { $0.sizes } }
    func open() { state.withLock { $0.isOpen = true } }

    /// The first batch stays under way until it is let go.
    func carry(_ numbers: [Int]) async throws -> [Int] {
      let isFirst = state.withLock { state in
        state.sizes.append(numbers.count)
        return state.sizes.count == 1
      }
      if isFirst { try await waitUntil("the first batch may go on") { state.withLock { $0.isOpen } } }
      if numbers.contains(13) { throw Broken() }
      return numbers.map { $0 * 2 }
    }
  }

  @Test func `questions that come while a batch is under way travel together, a bounded number of them`() async throws {
    let batches = Batches()
    let gathering = Gathering(flights: 1, size: 8) { try await batches.carry($0) }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask { try await gathering.ask(0) == 0 }
      try await waitUntil("the first is under way") { batches.sizes == [1] }
      for number in 20..<40 { group.addTask { try await gathering.ask(number) == number * 2 } }
      try await waitUntil("all wait") { gathering.waiting == 20 }
      batches.open()
      for try await isRight in group { #expect(isRight) }
    }
    #expect(batches.sizes == [1, 8, 8, 4])
    #expect(try await gathering.ask(7) == 14)
  }

  @Test func `what a batch throws reaches all of it, and the next one goes its way`() async throws {
    let batches = Batches()
    let gathering = Gathering(flights: 1, size: 8) { try await batches.carry($0) }
    batches.open()
    await #expect(throws: Broken.self) { try await gathering.ask(13) }
    #expect(try await gathering.ask(1) == 2)
  }
}
