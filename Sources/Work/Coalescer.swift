import Contracts
import Providers
import Synchronization

/// Puts calls together that may travel in one: of the same tier, task, provider, model and version, up to the tier's
/// batch size. A batch waits a moment for further calls and then carries them all, in a task of its own: a call that is
/// given up does not end those of others, and the last one that is given up ends the task. Safe to share.
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
  /// - Returns: the answer, and whether it is that of the call that stands for the others.
  func call(
    _ call: ProviderCall, _ key: Key, size: Int,
    carry: @escaping @Sendable ([ProviderCall]) async -> [ProviderAnswer]
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
    if seat == 0 {
      batch.isCarried(
        by: Task {
          do { try await Task.sleep(for: window) } catch { fatalError("Bug: a batch was ended before it departed") }
          open.withLock { open in
            if open[key] === batch { open[key] = nil }
          }
          let calls = batch.depart()
          batch.arrive(calls.isEmpty ? [] : await carry(calls))
        })
    }
    return (await batch.answer(at: seat), seat == 0)
  }
}

/// The calls of one batch and who waits for their answers.
private final class Batch: Sendable {
  private struct State {
    var calls: [ProviderCall]
    /// Places of the calls that are on their way; nil before.
    var departed: [Int]?
    var answers: [Int: ProviderAnswer]?
    var waiters: [Int: CheckedContinuation<ProviderAnswer, Never>] = [:]
    var cancelled: Set<Int> = []
    /// The one that gave up when all others had: it waits for the call to end, which is soon and says what was used.
    var last: Int?
    var task: Task<Void, Never>?

    /// What is known at once of a call that was given up.
    func answer(ofCancelled seat: Int) -> ProviderAnswer? {
      guard let departed, departed.contains(seat) else { return Batch.withdrawn }
      return seat == last ? nil : Batch.cancelled
    }
  }

  private let state: Mutex<State>

  init(_ first: ProviderCall) { state = Mutex(State(calls: [first])) }

  /// The call's place; nil when the batch is on its way.
  func board(_ call: ProviderCall) -> Int? {
    state.withLock { state in
      guard state.departed == nil else { return nil }
      state.calls.append(call)
      return state.calls.count - 1
    }
  }

  func isCarried(by task: Task<Void, Never>) {
    let isAbandoned = state.withLock { state in
      state.task = task
      return state.last != nil
    }
    if isAbandoned { task.cancel() }
  }

  /// The calls that nobody gave up until now.
  func depart() -> [ProviderCall] {
    state.withLock { state in
      let seats = state.calls.indices.filter { !state.cancelled.contains($0) }
      state.departed = seats
      return seats.map { state.calls[$0] }
    }
  }

  func arrive(_ answers: [ProviderAnswer]) {
    let resumed = state.withLock { state -> [(CheckedContinuation<ProviderAnswer, Never>, ProviderAnswer)] in
      let arrived = Dictionary(uniqueKeysWithValues: zip(state.departed ?? [], answers))
      state.answers = arrived
      state.task = nil
      defer { state.waiters = [:] }
      return state.waiters.map { seat, waiter in (waiter, arrived[seat] ?? Self.withdrawn) }
    }
    for (waiter, answer) in resumed { waiter.resume(returning: answer) }
  }

  /// A caller that gives up does not wait for the others' call.
  func answer(at seat: Int) async -> ProviderAnswer {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer = state.withLock { state -> ProviderAnswer? in
          if let answer = state.answers?[seat] { return answer }
          if state.cancelled.contains(seat), let answer = state.answer(ofCancelled: seat) { return answer }
          state.waiters[seat] = continuation
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      let (waiter, answer, abandoned) = state.withLock { state in
        state.cancelled.insert(seat)
        if let departed = state.departed, state.last == nil, departed.allSatisfy(state.cancelled.contains) {
          state.last = seat
        }
        let answer = state.answer(ofCancelled: seat)
        let waiter = answer == nil ? nil : state.waiters.removeValue(forKey: seat)
        return (waiter, answer, state.last == nil ? nil : state.task)
      }
      if let answer { waiter?.resume(returning: answer) }
      abandoned?.cancel()
    }
  }

  fileprivate static let cancelled = ProviderAnswer.failure(ProviderFailure(.cancelled, "given up while others waited"))
  fileprivate static let withdrawn = ProviderAnswer.failure(
    ProviderFailure(.cancelled, "given up before it was sent", reachedProvider: false))
}
