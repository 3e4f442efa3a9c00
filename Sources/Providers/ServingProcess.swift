import Catalog
import Foundation
import Logging

/// A serving process on a Unix socket, supervised: started at the first call that needs it, ready when its socket
/// answers, asked whether it lives while no call shows it, ended when nobody has called for a while, and started again
/// by the next call (after a rest, if it ended by itself or was killed). At most one group of it exists at a time. An
/// actor of its own.
actor ServingProcess {
  /// What is to be started.
  struct Order: Sendable {
    /// Program and arguments.
    var command: [String]
    /// Exactly what the process gets, besides `TOLLWAY_SOCKET`.
    var environment: [String: String]
    var limits = ProcessLimits()
    /// Ended when no call came for this long.
    var idleStop = Duration.seconds(600)
    var times = ServingTimes()
  }

  /// What a call gets: the path of a socket that answered, or why there is none.
  enum Readiness: Sendable {
    case ready(String)
    case starting
    /// With how long that lasts.
    case unavailable(String, rest: Duration)
  }

  private enum State {
    /// Another process has to end first.
    case waiting
    case idle
    case starting(ServingGroup)
    case ready(ServingGroup)
    case stopping(ServingGroup)
    /// Calls fail at once until then, so that they take the next provider.
    case resting(until: ContinuousClock.Instant, reason: String)
    case stopped
  }

  nonisolated let use = ServingUse()
  private let order: Order
  private let watch: LimitWatch?
  private let predecessor: Task<Void, Never>?
  private let isServing: @Sendable (_ socket: String) async -> Bool
  private let logger: Logger
  private var state: State
  private var backoff = RestartBackoff()
  private var isExamining = false

  /// - Parameters:
  ///   - watch: of the limits that `order` names; shared by all processes of a provider.
  ///   - predecessor: what must have ended before the first start.
  ///   - isServing: asks a socket whether it answers.
  init(
    _ order: Order, watch: LimitWatch? = nil, after predecessor: Task<Void, Never>? = nil, logger: Logger,
    isServing: @escaping @Sendable (_ socket: String) async -> Bool
  ) {
    self.order = order
    self.watch = watch
    self.predecessor = predecessor
    self.logger = logger
    self.isServing = isServing
    state = predecessor == nil ? .idle : .waiting
    if let predecessor {
      Task {
        await predecessor.value
        await self.predecessorEnded()
      }
    }
  }

  /// Starts the process if it is due and says at once where it stands; whoever gets `starting` asks again. Call between
  /// `use.begin` and `use.finish`, so that it is not ended for idleness meanwhile.
  func readiness() -> Readiness {
    switch state {
    case .ready(let group): return .ready(group.socket)
    case .waiting, .starting, .stopping: return .starting
    case .stopped: return .unavailable("the serving process was shut down", rest: ServingPool.moment)
    case .resting(let until, let reason) where until > .now:
      return .unavailable(reason, rest: until - .now)
    case .idle, .resting:
      do throws(SystemFault) {
        try start()
        return .starting
      } catch {
        logger.error("serving process cannot be started", metadata: ["error": "\(error)"])
        return .unavailable("\(error)", rest: rest(after: .zero, reason: "\(error)"))
      }
    }
  }

  /// A call got no answer: asks at once whether the process lives, and kills it if not.
  func suspect() {
    guard case .ready(let group) = state else { return }
    Task { await self.examine(group) }
  }

  /// Ends the process: SIGTERM to its group, SIGKILL after the grace. Returns when it is gone, and it stays so.
  func shutdown() async {
    let group = current
    state = .stopped
    await predecessor?.value
    await group?.end(grace: order.times.grace)
  }

  private var current: ServingGroup? {
    switch state {
    case .starting(let group), .ready(let group), .stopping(let group): group
    case .waiting, .idle, .resting, .stopped: nil
    }
  }

  private func isStarting(_ group: ServingGroup) -> Bool {
    if case .starting(let starting) = state { starting === group } else { false }
  }

  private func isReady(_ group: ServingGroup) -> Bool {
    if case .ready(let ready) = state { ready === group } else { false }
  }

  private func predecessorEnded() { if case .waiting = state { state = .idle } }

  private func start() throws(SystemFault) {
    let command = LimitedCommand.of(order.command, order.limits, processors: LimitedCommand.ownProcessors())
    let group = try ServingGroup(command: command, environment: order.environment)
    state = .starting(group)
    watch?.add(group)
    logger.info("serving process started", metadata: ["pid": "\(group.pid)"])
    Task { self.ended(group, await group.untilEnded()) }
    Task { await self.supervise(group) }
    Task { await self.endIfSilent(group) }
  }

  private func supervise(_ group: ServingGroup) async {
    await waitUntilServing(group)
    while isReady(group) {
      let now = ContinuousClock.now
      let idleEnd = (use.idleSince ?? now) + order.idleStop
      if idleEnd <= now, use.idleSince != nil { return stop(group) }
      let check = use.lastAnswer + order.times.checkInterval
      if check <= now { await examine(group) }
      await Uncancelled.pause(max(min(check, idleEnd) - .now, .milliseconds(20)))
    }
  }

  private func waitUntilServing(_ group: ServingGroup) async {
    while isStarting(group) {
      if access(group.socket, F_OK) == 0, await isServing(group.socket) {
        guard isStarting(group) else { return }
        state = .ready(group)
        use.noteAnswer()
        logger.info("serving process ready", metadata: ["duration": "\(ContinuousClock.now - group.startedAt)"])
        return
      }
      await Uncancelled.pause(.milliseconds(50))
    }
  }

  /// Apart from the asking, which may hang with the process.
  private func endIfSilent(_ group: ServingGroup) async {
    let patience = order.times.patience
    await Uncancelled.pause(patience)
    guard isStarting(group) else { return }
    group.kill(because: "the serving process did not answer within \(patience) of its start and was killed")
  }

  private func examine(_ group: ServingGroup) async {
    guard !isExamining else { return }
    isExamining = true
    defer { isExamining = false }
    for _ in 0..<2 {
      if await givesSign(group) || !isReady(group) { return }
    }
    group.kill(because: "the serving process hung, two checks in a row went unanswered, and was killed")
  }

  /// Asks until the limit of a check: a refusal at once may only mean that more calls come than it accepts.
  private func givesSign(_ group: ServingGroup) async -> Bool {
    let asked = ContinuousClock.now
    while isReady(group), .now < asked + order.times.checkLimit {
      if await isServing(group.socket) { use.noteAnswer() }
      if use.lastAnswer >= asked { return true }
      await Uncancelled.pause(.milliseconds(50))
    }
    return false
  }

  private func stop(_ group: ServingGroup) {
    state = .stopping(group)
    logger.info("serving process is idle, ending it", metadata: ["pid": "\(group.pid)"])
    let grace = order.times.grace
    Task { await group.end(grace: grace) }
  }

  private func ended(_ group: ServingGroup, _ exit: SpawnedProcess.Exit) {
    watch?.remove(group)
    guard current === group else { return }
    if case .stopping = state {
      state = .idle
      return
    }
    let wasReady = isReady(group)
    let reason =
      group.killReason
      ?? (wasReady
        ? "the serving process ended with \(exit)"
        : "the serving process ended with \(exit) before it was ready; run its command by hand to see why")
    logger.error(
      "serving process ended", metadata: ["exit": "\(exit)", "was_ready": "\(wasReady)", "reason": "\(reason)"])
    rest(after: .now - group.startedAt, reason: reason)
  }

  /// How long it rests.
  @discardableResult
  private func rest(after lifetime: Duration, reason: String) -> Duration {
    let pause = backoff.rest(afterLifetime: lifetime)
    state = .resting(until: .now + pause, reason: reason)
    return pause
  }
}
