import Foundation
import Glibc
import Logging
import Synchronization

/// A serving process on a Unix socket, supervised: started at the first call that needs it, ready when its socket
/// answers, started again (after a rest) by the next call when it has ended. It never outlives the worker: its standard
/// input is a socket that ends with the worker, which servers of ours watch, and a small guard process watches it for
/// all others. (The kernel's parent-death signal is of no use here: it is sent when the *thread* that started the
/// process ends.) Its output goes to `/dev/null`, because servers print the texts they are given. An actor of its own.
actor ServingProcess {
  /// What a call gets: the path of a socket that answered, or why there is none.
  enum Readiness: Sendable {
    case ready(String)
    case starting
    case unavailable(String, isStartable: Bool)
  }

  private enum State {
    case idle
    case starting(Running)
    case ready(Running)
    /// Calls fail at once until then, so that they take the next provider.
    case resting(until: ContinuousClock.Instant, reason: String, isStartable: Bool)
    case stopped
  }

  private struct Running: Sendable {
    let child: SpawnedProcess
    let guardian: SpawnedProcess
    let socket: String
    let startedAt: ContinuousClock.Instant
  }

  private let command: [String]
  private let environment: [String: String]
  private let patience: Duration
  private let isServing: @Sendable (_ socket: String) async -> Bool
  private let logger: Logger
  private var state = State.idle
  private var backoff = RestartBackoff()
  /// Mode 0700; holds the sockets. Nil until the first start.
  private var directory: String?
  private var starts = 0

  /// - Parameters:
  ///   - command: program and arguments.
  ///   - environment: exactly what the process gets, besides `TOLLWAY_SOCKET`.
  ///   - patience: a process that does not answer by then is killed.
  ///   - isServing: asks a socket whether it answers.
  init(
    command: [String], environment: [String: String], patience: Duration, logger: Logger,
    isServing: @escaping @Sendable (_ socket: String) async -> Bool
  ) {
    self.command = command
    self.environment = environment
    self.patience = patience
    self.logger = logger
    self.isServing = isServing
  }

  /// Starts the process if it is due and says at once where it stands; whoever gets `starting` asks again.
  func readiness() -> Readiness {
    switch state {
    case .ready(let running): return .ready(running.socket)
    case .starting: return .starting
    case .stopped: return .unavailable("the serving process was shut down", isStartable: true)
    case .resting(let until, let reason, let isStartable) where until > .now:
      return .unavailable(reason, isStartable: isStartable)
    case .idle, .resting:
      do throws(SystemFault) {
        try start()
        return .starting
      } catch {
        logger.error("serving process cannot be started", metadata: ["error": "\(error)"])
        rest(after: .zero, reason: "\(error)", isStartable: false)
        return .unavailable("\(error)", isStartable: false)
      }
    }
  }

  /// Ends the process: SIGTERM to its group, SIGKILL after five seconds. Returns when it is gone.
  func shutdown() async {
    let running = current
    state = .stopped
    if let running {
      running.child.signal(SIGTERM)
      for _ in 0..<250 where !running.child.hasEnded {
        await Self.pause(.milliseconds(20))
      }
      running.child.signal(SIGKILL)
      while !running.child.hasEnded { await Self.pause(.milliseconds(5)) }
    }
    if let directory { Self.remove(directory, socket: running?.socket) }
    directory = nil
  }

  private var current: Running? {
    switch state {
    case .starting(let running), .ready(let running): running
    case .idle, .resting, .stopped: nil
    }
  }

  private func start() throws(SystemFault) {
    guard let program = command.first else { throw SystemFault("start a process without a command", EINVAL) }
    starts += 1
    let directory = if let made = self.directory { made } else { try Self.makeDirectory() }
    self.directory = directory
    let socket = "\(directory)/\(starts).sock"
    var environment = environment
    environment["TOLLWAY_SOCKET"] = socket
    let lifeline = try SocketPair()
    defer { close(lifeline.theirs) }
    let child: SpawnedProcess
    let guardian: SpawnedProcess
    do throws(SystemFault) {
      child = try SpawnedProcess(
        program: program, arguments: Array(command.dropFirst()), environment: environment, input: lifeline.theirs)
    } catch {
      close(lifeline.ours)
      throw error
    }
    do throws(SystemFault) {
      guardian = try Self.makeGuardian(
        of: child.pid, lifeline: lifeline.theirs, socket: socket, directory: directory, environment: environment)
    } catch {
      child.signal(SIGKILL)
      Thread.detachNewThread { _ = child.wait() }
      close(lifeline.ours)
      throw error
    }
    let running = Running(child: child, guardian: guardian, socket: socket, startedAt: .now)
    state = .starting(running)
    logger.info("serving process started", metadata: ["pid": "\(child.pid)"])
    Thread.detachNewThread {
      let exit = child.wait()
      guardian.signal(SIGKILL)
      _ = guardian.wait()
      close(lifeline.ours)
      Task { await self.ended(running, exit) }
    }
    Task { await self.waitUntilServing(running) }
    Task { await self.endIfSilent(running) }
  }

  /// When the worker dies, its end of the lifeline closes, `read` returns, and the group of the server is ended.
  private static func makeGuardian(
    of pid: pid_t, lifeline: Int32, socket: String, directory: String, environment: [String: String]
  ) throws(SystemFault) -> SpawnedProcess {
    let script = #"read -r line; kill -s TERM -- -$1; sleep 5; kill -s KILL -- -$1; rm -f -- "$2"; rmdir -- "$3""#
    return try SpawnedProcess(
      program: "/bin/sh", arguments: ["-c", script, "tollway-guard", String(pid), socket, directory],
      environment: environment, input: lifeline)
  }

  private func waitUntilServing(_ running: Running) async {
    while current?.child === running.child {
      if access(running.socket, F_OK) == 0, await isServing(running.socket) {
        guard current?.child === running.child else { return }
        state = .ready(running)
        logger.info("serving process ready", metadata: ["duration": "\(ContinuousClock.now - running.startedAt)"])
        return
      }
      await Self.pause(.milliseconds(50))
    }
  }

  /// Apart from the asking, which may hang with the process.
  private func endIfSilent(_ running: Running) async {
    await Self.pause(patience)
    guard case .starting(let starting) = state, starting.child === running.child else { return }
    logger.error("serving process does not answer, stopping it", metadata: ["duration": "\(patience)"])
    rest(after: patience, reason: "the serving process did not answer within \(patience)", isStartable: true)
    running.child.signal(SIGKILL)
  }

  private func ended(_ running: Running, _ exit: SpawnedProcess.Exit) {
    unlink(running.socket)
    guard current?.child === running.child else { return }
    let wasReady = if case .ready = state { true } else { false }
    logger.error("serving process ended", metadata: ["exit": "\(exit)", "was_ready": "\(wasReady)"])
    rest(
      after: .now - running.startedAt,
      reason: wasReady
        ? "the serving process ended with \(exit)"
        : "the serving process ended with \(exit) before it was ready; run its command by hand to see why",
      isStartable: wasReady)
  }

  private func rest(after lifetime: Duration, reason: String, isStartable: Bool) {
    let pause = backoff.rest(afterLifetime: lifetime)
    state = .resting(until: .now + pause, reason: reason, isStartable: isStartable)
  }

  /// A pause that cancellation does not cut short: what it waits for must happen in any case.
  private static func pause(_ duration: Duration) async {
    await Task {
      do { try await Task.sleep(for: duration) } catch { fatalError("Bug: nobody cancels this task") }
    }.value
  }

  /// The path of a socket has at most 107 bytes, whatever TMPDIR is.
  private static func makeDirectory() throws(SystemFault) -> String {
    let place = FileManager.default.temporaryDirectory.path
    let template = (place.utf8.count <= 70 ? place : "/tmp") + "/tollway-serve-XXXXXX"
    var path = Array(template.utf8CString)
    guard mkdtemp(&path) != nil else { throw SystemFault("make a directory for the socket", errno) }
    return String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func remove(_ directory: String, socket: String?) {
    if let socket { unlink(socket) }
    rmdir(directory)
  }
}
