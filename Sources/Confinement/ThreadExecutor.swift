import CKernel
import Glibc
import Synchronization

/// One OS thread as a Swift executor: an actor that names it as its executor runs on that thread and nowhere else, so
/// "isolated to the actor" and "on the thread that owns the C connection" are one fact.
///
/// The thread sleeps in `poll` on an eventfd and on the descriptor its owner waits for; a job enqueued from outside
/// wakes it only when it sleeps. After every round of jobs, and whenever the descriptor is ready or the owner's timer
/// is due, the owner's turn runs once (see `takeTurns`), so a wire writes what a whole round of jobs produced in one
/// go.
///
/// The thread keeps this object alive until `stop`; the owning actor calls that in its `deinit`, which no job of the
/// actor can outlive.
package final class ThreadExecutor: SerialExecutor {
  /// What the owner's turn waits for next.
  package struct Wait: Sendable {
    /// The descriptor to watch for reading, or none.
    package var descriptor: Int32?
    /// Watch it for room to write as well.
    package var writing = false
    /// When to take a turn even if nothing happens; nil waits for ever.
    package var until: ContinuousClock.Instant?

    package init(descriptor: Int32? = nil, writing: Bool = false, until: ContinuousClock.Instant? = nil) {
      self.descriptor = descriptor
      self.writing = writing
      self.until = until
    }
  }

  /// What `poll` said of the owner's descriptor since the last turn. A broken or closed socket reads as `readable`.
  package struct Readiness: Sendable {
    package var readable = false
    package var writable = false
  }

  package typealias Turn = @Sendable (Readiness) -> Wait

  private struct State {
    var jobs: [UnownedJob] = []
    var turn: Turn?
    var asleep = false
    /// A turn was asked for since the last one began.
    var woken = false
    var stopping = false
    var ended = false
    var waiters: [CheckedContinuation<Void, Never>] = []

    /// True once for each sleep: the caller then writes to the eventfd.
    mutating func wakes() -> Bool {
      defer { asleep = false }
      return asleep
    }
  }

  private let state = Mutex(State())
  private let waker: Int32
  private let name: String
  /// `pthread_self` of the thread; 0 until it has begun.
  private let thread = Atomic<UInt>(0)

  /// `name` is cut to the 15 bytes the kernel keeps. The stack is address space only: pages are taken as they are
  /// touched. 16 MiB because librabbitmq before 0.14 decodes nested tables by recursion (see `AMQPWire.frameCeiling`).
  package init(name: String, stackBytes: Int = 16 << 20) {
    self.name = String(decoding: name.utf8.prefix(15), as: UTF8.self)
    waker = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard waker >= 0 else { fatalError("no eventfd for the thread \(name): errno \(errno)") }
    start(stackBytes: stackBytes)
  }

  deinit { close(waker) }

  // MARK: what the runtime asks

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let mustWake = state.withLock { state in
      guard !state.ended else { fatalError("Bug: a job came after the thread \(name) was stopped") }
      state.jobs.append(job)
      return state.wakes()
    }
    if mustWake { signal() }
  }

  package func checkIsolated() {
    guard isOnThread else { fatalError("Bug: code of the thread \(name) runs elsewhere") }
  }

  package func isIsolatingCurrentContext() -> Bool? { isOnThread }

  private var isOnThread: Bool { thread.load(ordering: .relaxed) == pthread_self() }

  // MARK: what the owner asks

  /// Has `turn` run on the thread from now on: after each round of jobs and when what its last answer waits for
  /// happens. It must not block. Use `assumeIsolated` of the owning actor (held weakly) inside.
  package func takeTurns(_ turn: @escaping Turn) {
    let mustWake = state.withLock { state in
      state.turn = turn
      return state.wakes()
    }
    if mustWake { signal() }
  }

  /// Makes the owner take a turn soon. Callable from any thread, cancellation handlers included.
  package func wake() {
    let mustWake = state.withLock { state in
      state.woken = true
      return state.wakes()
    }
    if mustWake { signal() }
  }

  /// Lets the thread end once it has run every job that is queued. Returns at once. A job enqueued after the thread has
  /// ended is a broken invariant and traps.
  package func stop() {
    let mustWake = state.withLock { state in
      state.stopping = true
      state.turn = nil
      return state.wakes()
    }
    if mustWake { signal() }
  }

  /// `stop`, then waits until the thread has run what was queued and ended. Not callable from an actor on this thread.
  package func shutdown() async {
    stop()
    await withCheckedContinuation { continuation in
      let ended = state.withLock { state in
        if !state.ended { state.waiters.append(continuation) }
        return state.ended
      }
      if ended { continuation.resume() }
    }
  }

  // MARK: the thread

  private func start(stackBytes: Int) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, stackBytes)
    defer { pthread_attr_destroy(&attributes) }
    var handle = pthread_t()
    // The thread owns one reference, taken back in its first line.
    let context = Unmanaged.passRetained(self).toOpaque()
    let failure = pthread_create(
      &handle, &attributes,
      { context in
        guard let context else { fatalError("Bug: a thread without its executor") }
        Unmanaged<ThreadExecutor>.fromOpaque(context).takeRetainedValue().main()
        return nil
      }, context)
    guard failure == 0 else { fatalError("no thread for \(name): error \(failure)") }
  }

  private func main() {
    thread.store(pthread_self(), ordering: .relaxed)
    nameThread()
    Self.leaveSignalsToOthers()
    let executor = asUnownedSerialExecutor()
    var readiness = Readiness()
    var jobs: [UnownedJob] = []
    while true {
      state.withLock { swap(&jobs, &$0.jobs) }
      for job in jobs { job.runSynchronously(on: executor) }
      jobs.removeAll(keepingCapacity: true)
      // Read behind the jobs: one of them may just have asked for turns.
      let turn = state.withLock { state in
        state.woken = false
        return state.turn
      }
      let wait = turn?(readiness) ?? Wait()
      let mayBlock = state.withLock { state in
        state.asleep = state.jobs.isEmpty && !state.stopping && !state.woken
        state.ended = state.jobs.isEmpty && state.stopping
        return state.ended ? nil : Optional(state.asleep)
      }
      guard let mayBlock else { break }
      readiness = sleep(wait, blocking: mayBlock)
    }
    let waiters = state.withLock { state in
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  /// With jobs waiting it only looks at the descriptor, so a stream of jobs cannot starve the wire.
  private func sleep(_ wait: Wait, blocking: Bool) -> Readiness {
    withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 2) { descriptors in
      let interest = Int16(wait.writing ? POLLIN | POLLOUT : POLLIN)
      descriptors.initializeElement(at: 0, to: pollfd(fd: waker, events: Int16(POLLIN), revents: 0))
      descriptors.initializeElement(at: 1, to: pollfd(fd: wait.descriptor ?? -1, events: interest, revents: 0))
      // A failure (a signal, or no memory for the call) counts as "nothing ready": the loop comes back here.
      let ready = poll(descriptors.baseAddress, 2, blocking ? Self.milliseconds(until: wait.until) : 0)
      state.withLock { $0.asleep = false }
      guard ready > 0 else { return Readiness() }
      if descriptors[0].revents != 0 {
        var count: eventfd_t = 0
        eventfd_read(waker, &count)
      }
      let events = Int32(descriptors[1].revents)
      return Readiness(
        readable: events & (POLLIN | POLLERR | POLLHUP | POLLNVAL) != 0, writable: events & POLLOUT != 0)
    }
  }

  /// For `poll`: rounded up, so that the timer is due when it returns; -1 waits for ever.
  private static func milliseconds(until instant: ContinuousClock.Instant?) -> Int32 {
    guard let instant else { return -1 }
    let left = ContinuousClock.now.duration(to: instant)
    guard left > .zero else { return 0 }
    let (seconds, attoseconds) = left.components
    guard seconds < 86_400 else { return 86_400_000 }
    return Int32(seconds) * 1000 + Int32((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }

  private func signal() { eventfd_write(waker, 1) }

  /// What `top -H` and a core dump show. A kernel without it only costs the name.
  private func nameThread() {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = name.withCString { write(file, $0, strlen($0)) }
    close(file)
  }

  /// Process signals belong to the threads that handle them. Blocking SIGPIPE here also turns a write to a dead socket
  /// by OpenSSL or hiredis, which set no MSG_NOSIGNAL, into the error EPIPE. Faults of the thread itself stay deadly.
  private static func leaveSignalsToOthers() {
    var signals = sigset_t()
    sigfillset(&signals)
    for fault in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF] { sigdelset(&signals, fault) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }
}
