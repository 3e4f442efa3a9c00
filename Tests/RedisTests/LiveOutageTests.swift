import Foundation
import Synchronization
import TestKit
import Testing

@testable import Redis

/// Servers that go away, hang or lie; each test has its own.
@Suite(.enabled(if: PrivateRedis.isWanted)) struct LiveOutageTests {
  @Test func `a restarted server is found again and has another run_id`() async throws {
    let server = try PrivateRedis()
    defer { server.stop() }
    let log = RecordingLog()
    let client = try server.client(log: log)
    let script = RedisScript(name: "tell", source: "return ARGV[1]")
    let before = try await client.run([RedisScriptCall(script, keys: []).argRunID()])
    server.stop()
    let refused = await client.failure(of: [RedisCommand("PING")])
    #expect(refused?.code == .unreachable)
    #expect(refused?.disposition == .reconnect)
    #expect(refused?.isOutcomeUnknown == false)
    #expect(client.serverIdentity == nil)
    let early = await client.failureWhileBackingOff()
    #expect(early?.retryAfter ?? .zero > .zero)
    #expect(early?.isOutcomeUnknown == false)
    try server.start()
    _ = try await client.connectPatiently()
    let after = try await client.run([RedisScriptCall(script, keys: []).argRunID()])
    #expect(after.runID != before.runID)
    #expect(after.values == [.bytes(Array(after.runID.utf8))])
    #expect(log.outagesBegun == 1)
    #expect(log.outagesEnded == 1)
    await client.close()
  }

  @Test func `a restart while nothing is asked costs no call`() async throws {
    let server = try PrivateRedis()
    defer { server.stop() }
    let log = RecordingLog()
    let client = try server.client(log: log)
    let before = try await client.connect()
    server.stop()
    try server.start()
    #expect(try await client.command(RedisCommand("ECHO").arg("x")).string == "x")
    #expect(client.serverIdentity != before)
    #expect(log.outagesBegun == 0)
    await client.close()
  }

  @Test func `kills under load give errors or own answers, never another's`() async throws {
    let server = try PrivateRedis()
    defer { server.stop() }
    let log = RecordingLog()
    let client = try server.client(deadline: .seconds(1), log: log)
    let answers = Answers()
    let callers = (0..<8).map { caller in
      Task {
        var answered = 0
        var failed = 0
        for round in 0... {
          if Task.isCancelled { break }
          let texts = (0..<10).map { "\(caller).\(round).\($0)" }
          do throws(RedisError) {
            let values = try await client.pipeline(texts.map { RedisCommand("ECHO").arg($0) })
            guard values.map(\.string) == texts else { return (answered, failed, isMixedUp: true) }
            answered += 1
            answers.heard(caller)
          } catch {
            failed += 1
            try await Task.sleep(for: error.retryAfter ?? .milliseconds(1))
          }
        }
        return (answered, failed, isMixedUp: false)
      }
    }
    try await waitUntil("every caller was answered") { answers.callers == 8 }
    var identities: Set<String> = []
    for _ in 0..<3 {
      identities.insert(try await client.connectPatiently().runID)
      server.kill()
      try server.start()
    }
    identities.insert(try await client.connectPatiently().runID)
    for caller in callers { caller.cancel() }
    for caller in callers {
      do {
        let (answered, _, isMixedUp) = try await caller.value
        #expect(!isMixedUp)
        #expect(answered > 0)
      } catch is CancellationError {}  // cancelled while it waited to call again
    }
    #expect(identities.count == 4)
    #expect(log.outagesBegun <= 4)
    await client.close()
  }

  @Test func `after a deadline the connection is given up and the next call is fresh`() async throws {
    let server = try PrivateRedis()
    defer { server.stop() }
    let log = RecordingLog()
    let deadline = Duration.seconds(2)
    let client = try server.client(deadline: deadline, log: log)
    let other = try server.client()
    let id = try await client.command(RedisCommand("CLIENT").arg("ID")).int
    _ = try await other.command(RedisCommand("CLIENT").arg("PAUSE").arg(60_000).arg("WRITE"))
    let start = ContinuousClock.now
    let late = await client.failure(of: [RedisCommand("ECHO").arg("stale"), RedisCommand("SET").arg("k").arg("v")])
    let took = start.duration(to: .now)
    #expect(late?.code == .deadlineExceeded)
    #expect(late?.isOutcomeUnknown == true)
    #expect(late?.disposition == .reconnect)
    #expect(took >= deadline && took < .seconds(50))
    #expect(try await client.command(RedisCommand("ECHO").arg("fresh")).string == "fresh")
    #expect(try await client.command(RedisCommand("CLIENT").arg("ID")).int != id)
    _ = try await other.command(RedisCommand("CLIENT").arg("UNPAUSE"))
    let values = try await client.pipeline([RedisCommand("ECHO").arg("a"), RedisCommand("ECHO").arg("b")])
    #expect(values.map(\.string) == ["a", "b"])
    #expect(log.outagesBegun == 1)
    #expect(log.outagesEnded == 1)
    await client.close()
    await other.close()
  }

  @Test func `a frozen server fails calls in time and is used again when it wakes`() async throws {
    let server = try PrivateRedis()
    defer { server.stop() }
    let log = RecordingLog()
    let client = try server.client(deadline: .seconds(1), log: log)
    let before = try await client.connect()
    server.freeze()
    let late = await client.failure(of: [RedisCommand("PING")])
    let mute = await client.failure(of: [RedisCommand("PING")])
    let spared = await client.failureWhileBackingOff()
    server.thaw()
    #expect([late, mute, spared].map(\.?.code) == [.deadlineExceeded, .unreachable, .backingOff])
    #expect([late, mute, spared].map(\.?.isOutcomeUnknown) == [true, false, false])
    #expect(try await client.connectPatiently() == before)
    #expect(log.outagesBegun == 1)
    #expect(log.outagesEnded == 1)
    await client.close()
  }

  @Test func `a cancelled caller leaves at once and the connection stays in step`() async throws {
    let server = try PrivateRedis()
    defer { server.stop() }
    let client = try server.client(deadline: .seconds(10))
    let other = try server.client()
    let id = try await client.command(RedisCommand("CLIENT").arg("ID")).int
    _ = try await other.command(RedisCommand("CLIENT").arg("PAUSE").arg(60_000).arg("WRITE"))
    let waiting = Task { await client.failure(of: [RedisCommand("INCR").arg("n"), RedisCommand("ECHO").arg("left")]) }
    while try await other.command(RedisCommand("CLIENT").arg("LIST")).string?.contains("cmd=incr") != true {}
    waiting.cancel()
    let error = await waiting.value
    #expect(error?.code == .cancelled)
    #expect(error?.isOutcomeUnknown == true)
    let next = Task {
      try await client.pipeline([
        RedisCommand("GET").arg("n"), RedisCommand("ECHO").arg("mine"), RedisCommand("CLIENT").arg("ID"),
      ])
    }
    _ = try await other.command(RedisCommand("CLIENT").arg("UNPAUSE"))
    #expect(try await next.value == [.bytes([UInt8(ascii: "1")]), .bytes(Array("mine".utf8)), .integer(#require(id))])
    await client.close()
    await other.close()
  }

  @Test func `a caller cancelled before it calls sends nothing`() async throws {
    let server = try PrivateRedis()
    defer { server.stop() }
    let client = try server.client()
    let cancelled = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return await client.failure(of: [RedisCommand("SET").arg("k").arg("v")])
    }
    let error = await cancelled.value
    #expect(error?.code == .cancelled)
    #expect(error?.isOutcomeUnknown == false)
    #expect(try await client.command(RedisCommand("GET").arg("k")) == .null)
    await client.close()
  }

  @Test func `a read-only server is left so that the next call may find the primary`() async throws {
    let server = try PrivateRedis()
    defer { server.stop() }
    let log = RecordingLog()
    let client = try server.client(log: log)
    _ = try await client.command(RedisCommand("REPLICAOF").arg("127.0.0.1").arg(1))
    let id = try await client.command(RedisCommand("CLIENT").arg("ID")).int
    let values = try await client.pipeline([RedisCommand("SET").arg("k").arg("v"), RedisCommand("ECHO").arg("x")])
    #expect(values[0].serverError?.serverCode == "READONLY")
    #expect(values[1].string == "x")
    #expect(try await client.command(RedisCommand("CLIENT").arg("ID")).int != id)
    #expect(log.outagesBegun == 1)
    await client.close()
  }

  @Test func `a full queue and a closed client refuse without sending`() async throws {
    let server = try PrivateRedis()
    defer { server.stop() }
    var configuration = try RedisConfiguration(url: "redis://127.0.0.1:\(server.port)")
    configuration.queueLimit = 1
    configuration.commandDeadline = .seconds(5)
    let client = RedisClient(configuration, logger: RecordingLog().logger)
    _ = try await client.connect()
    server.freeze()
    async let one = client.failure(of: [RedisCommand("PING")])
    async let other = client.failure(of: [RedisCommand("PING")])
    let errors = await [one, other].compactMap(\.self)
    server.thaw()
    #expect(Set(errors.map(\.code)) == [.queueFull, .deadlineExceeded])
    let refused = errors.first { $0.code == .queueFull }
    #expect(refused?.isOutcomeUnknown == false)
    #expect(refused?.disposition == .retry)
    await client.close()
    await client.close()
    #expect(await client.failure(of: [RedisCommand("PING")])?.code == .closed)
  }
}

/// Who of several callers was answered at least once.
private final class Answers: Sendable {
  private let seen = Mutex<Set<Int>>([])

  var callers: Int { seen.withLock { $0.count } }

  func heard(_ caller: Int) { seen.withLock { _ = $0.insert(caller) } }
}
