import Synchronization

/// Lets questions of many requests travel together: while one batch is under way the next gathers, so that nobody waits
/// for company and nobody who comes in a crowd travels alone. Bounded by its callers, who each wait for one answer.
/// Safe to share.
final class Gathering<Question: Sendable, Answer: Sendable>: Sendable {
  private typealias Waiter = CheckedContinuation<Result<Answer, any Error>, Never>

  private struct State {
    var waiting: [(question: Question, waiter: Waiter)] = []
    var flights = 0
  }

  private let state = Mutex(State())
  private let flights: Int
  private let size: Int
  private let carry: @Sendable ([Question]) async throws -> [Answer]

  /// - Parameters:
  ///   - flights: batches that may be under way at once.
  ///   - size: questions of a batch, at most.
  ///   - carry: one answer for each question, in order; what it throws, all of the batch get.
  init(flights: Int, size: Int, carry: @escaping @Sendable ([Question]) async throws -> [Answer]) {
    self.flights = flights
    self.size = size
    self.carry = carry
  }

  /// Questions that no batch has taken yet; for tests.
  var waiting: Int { state.withLock { $0.waiting.count } }

  func ask(_ question: Question) async throws -> Answer {
    try await withCheckedContinuation { (waiter: Waiter) in
      let departs = state.withLock { state in
        state.waiting.append((question, waiter))
        guard state.flights < flights else { return false }
        state.flights += 1
        return true
      }
      if departs { Task { await fly() } }
    }.get()
  }

  private func fly() async {
    while let batch = next() {
      do {
        let answers = try await carry(batch.map(\.question))
        guard answers.count == batch.count else { fatalError("Bug: a batch without an answer for each question") }
        for (entry, answer) in zip(batch, answers) { entry.waiter.resume(returning: .success(answer)) }
      } catch {
        for entry in batch { entry.waiter.resume(returning: .failure(error)) }
      }
    }
  }

  private func next() -> [(question: Question, waiter: Waiter)]? {
    state.withLock { state in
      guard !state.waiting.isEmpty else {
        state.flights -= 1
        return nil
      }
      let batch = Array(state.waiting.prefix(size))
      state.waiting.removeFirst(batch.count)
      return batch
    }
  }
}
