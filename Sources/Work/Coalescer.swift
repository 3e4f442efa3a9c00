import Contracts
import Providers
import Synchronization

/// Puts calls together that may travel in one: of the same tier, task, provider, model and version, up to the tier's
/// batch size. The first call of a batch waits a moment for others and then carries them all; it is nobody's task but
/// its own that runs. Safe to share.
final class Coalescer: Sendable {
  /// What calls must have in common.
  struct Key: Hashable, Sendable {
    var tier: String
    var task: TaskType
    var provider: String
    var model: String
    var version: String?
    /// Empty where users share.
    var user = ""
    /// Of the provider's own making.
    var common = ""
  }

  private let window: Duration

  /// - Parameter window: how long the first call waits. Jobs of one wave start within 2 ms of each other.
  init(window: Duration = .milliseconds(2)) { self.window = window }

  private let open = Mutex<[Key: Batch]>([:])

  /// Batches that still take calls; for tests.
  var waiting: Int { open.withLock { $0.count } }

  /// - Parameters:
  ///   - size: the most calls of a batch.
  ///   - carry: makes them together; one answer for each, in order.
  /// - Returns: the answer, and whether it is that of the call that carried the others.
  func call(
    _ call: ProviderCall, _ key: Key, size: Int, carry: ([ProviderCall]) async -> [ProviderAnswer]
  ) async -> (answer: ProviderAnswer, isLead: Bool) {
    let (batch, seat) = open.withLock { open -> (Batch, Int) in
      if let batch = open[key], let seat = batch.board(call) {
        if seat + 1 >= size { open[key] = nil }
        return (batch, seat)
      }
      let batch = Batch(call)
      open[key] = size > 1 ? batch : nil
      return (batch, 0)
    }
    guard seat == 0 else { return (await batch.answer(at: seat), false) }
    do { try await Task.sleep(for: window) } catch { /* a worker that ends: the call itself says so */  }
    open.withLock { open in
      if open[key] === batch { open[key] = nil }
    }
    let answers = await carry(batch.depart())
    batch.arrive(answers)
    return (answers[0], true)
  }
}

/// The calls of one batch and who waits for their answers.
private final class Batch: Sendable {
  private struct State {
    var calls: [ProviderCall]
    var hasDeparted = false
    var answers: [ProviderAnswer]?
    var waiters: [Int: CheckedContinuation<ProviderAnswer, Never>] = [:]
    var cancelled: Set<Int> = []
  }

  private let state: Mutex<State>

  init(_ first: ProviderCall) { state = Mutex(State(calls: [first])) }

  /// The call's place; nil when the batch is on its way.
  func board(_ call: ProviderCall) -> Int? {
    state.withLock { state in
      guard !state.hasDeparted else { return nil }
      state.calls.append(call)
      return state.calls.count - 1
    }
  }

  func depart() -> [ProviderCall] {
    state.withLock { state in
      state.hasDeparted = true
      return state.calls
    }
  }

  func arrive(_ answers: [ProviderAnswer]) {
    let waiters = state.withLock { state in
      state.answers = answers
      defer { state.waiters = [:] }
      return state.waiters
    }
    for (seat, waiter) in waiters { waiter.resume(returning: answers[seat]) }
  }

  /// A caller that gives up does not wait for the others' call.
  func answer(at seat: Int) async -> ProviderAnswer {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer = state.withLock { state -> ProviderAnswer? in
          if let answers = state.answers { return answers[seat] }
          if state.cancelled.contains(seat) { return Self.cancelled }
          state.waiters[seat] = continuation
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        state.cancelled.insert(seat)
        return state.waiters.removeValue(forKey: seat)
      }
      waiter?.resume(returning: Self.cancelled)
    }
  }

  private static let cancelled = ProviderAnswer.failure(ProviderFailure(.cancelled, "the worker ends"))
}
