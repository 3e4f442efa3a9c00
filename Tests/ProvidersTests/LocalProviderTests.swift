import Catalog
import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

struct LocalProviderTests {
  let directory: TestDirectory

  init() throws { directory = try TestDirectory("local") }

  @Test func `the process is started by the first call and serves the next ones`() async throws {
    let stub = LocalStub(in: directory.url.path)
    let first = try await stub.number("pid")
    #expect(try await stub.number("pid") == first)
    #expect(try stub.processIDs() == [first])
    await stub.end()
    #expect(kill(first, 0) != 0)
  }

  // More at once than the stub's queue of connections holds (5): a full one is waited for.
  @Test func `calls that come while it starts share one process`() async throws {
    let stub = LocalStub(in: directory.url.path)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<60 {
        group.addTask {
          do { _ = try await stub.say("hi").reply() } catch { Issue.record(error) }
        }
      }
    }
    #expect(try stub.processIDs().count == 1)
    await stub.end()
  }

  @Test func `the process gets its models and socket, and no secrets`() async throws {
    let stub = LocalStub(in: directory.url.path)
    let text = try await stub.say("env").reply().text
    #expect(text.contains("TOLLWAY_MODELS,TOLLWAY_SOCKET"))
    #expect(text.contains("a,b"))
    #expect(!text.contains("OPENAI_API_KEY"))
    await stub.end()
  }

  @Test func `a missing command is a fault of ours that the next provider makes good`() async throws {
    let stub = LocalStub(in: directory.url.path, command: ["no-such-command"])
    let failure = try await stub.say("hi").failure()
    #expect(failure.kind == .local)
    #expect(failure.detail.contains("no-such-command"))
    #expect(!failure.reachedProvider)
    #expect(failure.retryAfter == .seconds(1))
    await stub.end()
  }

  @Test func `a process that ends before it serves is a fault of ours`() async throws {
    let stub = LocalStub(in: directory.url.path, ["broken"])
    let failure = try await stub.say("hi").failure()
    #expect(failure.kind == .local)
    #expect(failure.detail.contains("ended with status 1 before it was ready"))
    let rest = try #require(failure.retryAfter)
    #expect(rest > .zero && rest <= .seconds(1))
    await stub.end()
  }

  @Test func `a process that never serves is ended`() async throws {
    let script = #"echo $$ > "$0"/pid; trap '' TERM; sleep 600"#
    let stub = LocalStub(
      in: directory.url.path, command: ["sh", "-c", script, directory.url.path],
      times: ServingTimes(patience: .seconds(1)))
    let failure = try await stub.say("hi").failure()
    #expect(failure.kind == .local && !failure.reachedProvider)
    #expect(failure.detail.contains("did not answer"))
    try await waitUntil("the process is gone") { try stub.processIDs().allSatisfy { kill($0, 0) != 0 } }
    await stub.end()
  }

  @Test func `a process that takes connections and never answers is ended`() async throws {
    let stub = LocalStub(in: directory.url.path, ["silent"], times: ServingTimes(patience: .seconds(3)))
    #expect(try await stub.say("hi").failure().kind == .local)
    try await waitUntil("the process is gone") { try stub.processIDs().allSatisfy { kill($0, 0) != 0 } }
    await stub.end()
  }

  @Test func `whoever waits for the start can be cancelled and keeps its deadline`() async throws {
    let stub = LocalStub(in: directory.url.path, ["mute"])
    let late = try await stub.say("hi", within: .milliseconds(100)).failure()
    #expect(late.kind == .local && late.retryAfter == .seconds(1))
    let task = Task { try await stub.say("hi") }
    task.cancel()
    #expect(try await task.value.failure().kind == .cancelled)
    await stub.end()
  }

  @Test func `shutdown ends a process that ignores it, and what it started`() async throws {
    let stub = LocalStub(in: directory.url.path, ["deaf"], times: ServingTimes(grace: .seconds(1)))
    let socket = try #require(try await stub.say("socket").reply().document()["text"]?.string)
    _ = try await stub.say("child").reply()
    try await waitUntil("the grandchild runs") { try stub.children().count == 2 }
    #expect(try stub.children().allSatisfy { kill($0, 0) == 0 })
    await stub.end()
    #expect(try stub.processIDs().allSatisfy { kill($0, 0) != 0 })
    try await waitUntil("the grandchildren are gone") { try haveEnded(try stub.children()) }
    #expect(!FileManager.default.fileExists(atPath: URL(filePath: socket).deletingLastPathComponent().path))
    #expect(try await stub.say("hi").failure().kind == .local)
  }

  @Test(arguments: ["", "deaf"])
  func `the process does not outlive a worker that is killed`(manner: String) async throws {
    let path = directory.url.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, manner = manner as String] in
      let stub = LocalStub(in: path, [manner])
      _ = try await stub.say("child").reply()
      try await waitUntil("the grandchild runs") { try stub.children().count == 2 }
      kill(getpid(), SIGKILL)
    }
    let pids = try LocalStub.numbers(in: path + "/pid")
    #expect(pids.count == 1)
    try await waitUntil("the serving process is gone, and what it started") {
      try haveEnded(pids + LocalStub.numbers(in: path + "/children"))
    }
  }

  @Test func `an idle process is ended and the next call starts it again`() async throws {
    let stub = LocalStub(in: directory.url.path, idleStop: .milliseconds(300))
    let first = try await stub.number("pid")
    try await waitUntil("the idle process is gone") { kill(first, 0) != 0 }
    let second = try await stub.number("pid")
    #expect(try stub.processIDs() == [first, second])
    await stub.end()
  }

  @Test func `a process with a call under way is not idle`() async throws {
    let stub = LocalStub(in: directory.url.path, idleStop: .milliseconds(300))
    #expect(try await stub.say("sleep 1.2").reply().text.contains("slept"))
    #expect(try stub.processIDs().count == 1)
    await stub.end()
  }
}

struct RestartBackoffTests {
  @Test func `rests double up to a minute, and a long life starts afresh`() {
    var backoff = RestartBackoff()
    let rests = (0..<8).map { _ in backoff.rest(afterLifetime: .seconds(2)) }
    #expect(rests == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
    #expect(backoff.rest(afterLifetime: .seconds(60)) == .seconds(1))
  }
}
