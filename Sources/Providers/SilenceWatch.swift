import Contracts
import NIOCore
import NIOPosix
import Synchronization

/// The one way in which calls obey a limit on silence: a timer that whoever reads an answer keeps pushing on, and that
/// cancels the reading when it runs out. May be moved from anywhere; the timer runs on an event loop and costs nothing
/// while the limit is moved later, which is what happens with every piece.
final class SilenceWatch: Sendable {
  private struct State {
    /// Nil as long as silence is no fault.
    var limit: NIODeadline?
    /// What the failure says when it runs out.
    var meaning = ""
    var timer: (scheduled: Scheduled<Void>, fires: NIODeadline)?
    var work: (@Sendable () -> Void)?
    var isOver = false
  }

  private let state = Mutex(State())
  private let eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()

  private init() {}

  /// Runs `work` in a task of its own, which ends with it and is cancelled with the caller's. When the limit ran out,
  /// the answer is `lost` with what was used until then, unless `work` made something of it.
  static func watching<Reply: Sendable>(
    _ work: @escaping @Sendable (SilenceWatch) async -> Result<Reply, ProviderFailure>
  ) async -> Result<Reply, ProviderFailure> {
    let watch = SilenceWatch()
    let task = Task { await work(watch) }
    watch.state.withLock { $0.work = { task.cancel() } }
    let answer = await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      task.cancel()
    }
    guard let meaning = watch.end(), !Task.isCancelled, case .failure(let failure) = answer,
      failure.kind == .cancelled
    else { return answer }
    return .failure(ProviderFailure(.lost, meaning, usage: failure.usage))
  }

  /// Silence may last until then, counted from now.
  /// - Parameter meaning: for people, when it lasts longer.
  func allow(_ duration: Duration, _ meaning: String) {
    let limit = Self.limit(after: duration)
    state.withLock { state in
      state.limit = limit
      state.meaning = meaning
      arm(&state)
    }
  }

  /// Like `allow`, but never later than what was allowed before.
  func shorten(to duration: Duration) {
    let limit = Self.limit(after: duration)
    state.withLock { state in
      if let before = state.limit, before <= limit { return }
      state.limit = limit
      arm(&state)
    }
  }

  private static func limit(after duration: Duration) -> NIODeadline {
    .now() + .milliseconds(max(0, min(duration.milliseconds, 86_400_000)))
  }

  /// A timer that fires too early for a limit is left alone: it arms itself again.
  private func arm(_ state: inout State) {
    guard let limit = state.limit, !state.isOver else { return }
    if let timer = state.timer {
      if timer.fires <= limit { return }
      timer.scheduled.cancel()
    }
    state.timer = (eventLoop.scheduleTask(deadline: limit) { self.fire() }, limit)
  }

  private func fire() {
    let work = state.withLock { state -> (@Sendable () -> Void)? in
      state.timer = nil
      guard let limit = state.limit, !state.isOver else { return nil }
      guard limit <= .now() else {
        arm(&state)
        return nil
      }
      state.isOver = true
      return state.work
    }
    work?()
  }

  /// The meaning of the limit that ran out, nil when none did.
  private func end() -> String? {
    state.withLock { state in
      let meaning = state.isOver ? state.meaning : nil
      state.isOver = true
      state.timer?.scheduled.cancel()
      state.timer = nil
      state.work = nil
      return meaning
    }
  }
}
