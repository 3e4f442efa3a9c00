import Confinement
import Glibc
import Synchronization
import TestKit
import Testing

/// An actor on a thread of its own that counts and remembers.
private actor Worker {
  let executor: ThreadExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  private(set) var numbers: [Int] = []

  init(name: String = "worker") { executor = ThreadExecutor(name: name) }
  deinit { executor.stop() }

  func append(_ number: Int) { numbers.append(number) }
  private func add(to counter: Counter) { _ = counter.add() }
  /// Called on the thread, so none of the jobs can have run when it stops.
  func stopBehind(jobs: Int, _ done: Counter) {
    for _ in 0..<jobs { Task { add(to: done) } }
    executor.stop()
  }
  func thread() -> UInt { pthread_self() }
  func threadName() -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
      let file = open("/proc/thread-self/comm", O_RDONLY)
      defer { close(file) }
      let count = read(file, buffer.baseAddress, 63)
      return String(decoding: UnsafeRawBufferPointer(buffer).prefix(max(count - 1, 0)), as: UTF8.self)
    }
  }

  /// `wait` gets the number of the turn, from 1.
  func takeTurns(_ turns: Counter, wait: @escaping @Sendable (ThreadExecutor.Readiness, Int) -> ThreadExecutor.Wait) {
    executor.takeTurns { [weak self] readiness in
      self?.assumeIsolated { _ in wait(readiness, turns.add()) } ?? ThreadExecutor.Wait()
    }
  }
}

final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  var value: Int { count.load(ordering: .relaxed) }
  func add() -> Int { count.add(1, ordering: .relaxed).newValue }
}

struct ThreadExecutorTests {
  @Test func `an actor runs on one thread of its own, which carries its name`() async {
    let worker = Worker(name: "a-name-that-is-far-too-long")
    let first = await worker.thread()
    for _ in 0..<100 { #expect(await worker.thread() == first) }
    #expect(first != pthread_self())
    #expect(await worker.threadName() == "a-name-that-is-")
  }

  @Test func `ten thousand jobs from eight tasks all run, one at a time`() async {
    let worker = Worker()
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<8 { group.addTask { for index in 0..<1250 { await worker.append(task * 1250 + index) } } }
    }
    #expect(await worker.numbers.sorted() == Array(0..<10_000))
  }

  @Test func `jobs that are queued when the thread is stopped still run`() async throws {
    let worker = Worker()
    let done = Counter()
    let executor = worker.executor
    await worker.stopBehind(jobs: 50, done)
    await executor.shutdown()
    #expect(done.value == 50)
  }

  @Test func `shutdown returns when the thread has ended`() async {
    let executor = ThreadExecutor(name: "ends")
    await executor.shutdown()
    await executor.shutdown()
  }

  @Test func `a turn follows a round of jobs, a wake from outside, and its timer`() async throws {
    let worker = Worker()
    let turns = Counter()
    await worker.takeTurns(turns) { _, count in
      count < 5 ? ThreadExecutor.Wait(until: .now + .milliseconds(1)) : ThreadExecutor.Wait()
    }
    try await waitUntil("five turns were taken by timer") { turns.value >= 5 }
    let before = turns.value
    await worker.append(1)
    try await waitUntil("the job's turn was taken") { turns.value > before }
    let after = turns.value
    worker.executor.wake()
    try await waitUntil("the wake's turn was taken") { turns.value > after }
  }

  @Test func `a readable descriptor brings a turn that says so`() async throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let (reading, writing) = (ends[0], ends[1])
    let worker = Worker()
    let turns = Counter()
    let heard = Counter()
    await worker.takeTurns(turns) { readiness, _ in
      if readiness.readable {
        var byte: UInt8 = 0
        read(reading, &byte, 1)
        _ = heard.add()
      }
      return ThreadExecutor.Wait(descriptor: reading)
    }
    try await waitUntil("the first turn was taken") { turns.value > 0 }
    #expect(heard.value == 0)
    write(writing, [7], 1)
    try await waitUntil("the byte was heard") { heard.value == 1 }
    worker.executor.takeTurns { _ in ThreadExecutor.Wait() }
    close(reading)
    close(writing)
  }

  @Test func `a full pipe that gets room brings a turn only to one that waits for writing`() async throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let writing = ends[1]
    let worker = Worker()
    let turns = Counter()
    let room = Counter()
    await worker.takeTurns(turns) { readiness, _ in
      if readiness.writable { _ = room.add() }
      return ThreadExecutor.Wait(descriptor: room.value == 0 ? writing : nil, writing: true)
    }
    try await waitUntil("room was seen") { room.value > 0 }
    for end in ends { close(end) }
  }

  @Test func `the thread ends after its actor`() async throws {
    let executor: ThreadExecutor
    do {
      let worker = Worker()
      await worker.append(1)
      executor = worker.executor
    }
    await executor.shutdown()
  }
}
