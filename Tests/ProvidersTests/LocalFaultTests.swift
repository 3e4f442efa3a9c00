import Catalog
import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

/// Serving processes that misbehave. Whatever they do: the call fails once, in a kind that fits, the process and all it
/// started is gone, and after a rest the next call is served.
struct LocalFaultTests {
  let directory: TestDirectory

  init() throws { directory = try TestDirectory("local-faults") }

  /// Hangs are found within half a second.
  private let quickChecks = ServingTimes(checkInterval: .milliseconds(300), checkLimit: .seconds(4))

  @Test(arguments: [("exit", "status 3"), ("segv", "signal 11")])
  func `a crash loses the call, rests shortly and starts anew`(prompt: String, exit: String) async throws {
    let stub = LocalStub(in: directory.url.path)
    _ = try await stub.say("hi").reply()
    #expect(try await stub.say(prompt).failure().kind == .lost)
    #expect(try await stub.restReason() == "the serving process ended with \(exit)")
    try await stub.untilItServes()
    #expect(try stub.processIDs().count == 2)
    await stub.end()
  }

  @Test func `each crash makes the rest longer`() async throws {
    let stub = LocalStub(in: directory.url.path)
    var rests: [Duration] = []
    for _ in 0..<2 {
      try await stub.untilItServes()
      _ = try await stub.say("exit").failure()
      let crashed = ContinuousClock.now
      try await stub.untilItServes()
      rests.append(.now - crashed)
    }
    #expect(rests[0] >= .seconds(0.9) && rests[1] >= .seconds(1.9))
    await stub.end()
  }

  @Test func `a hang loses the call at its deadline, and the process is killed at once`() async throws {
    let stub = LocalStub(
      in: directory.url.path, times: ServingTimes(checkInterval: .seconds(60), checkLimit: .seconds(1)))
    _ = try await stub.say("hi").reply()
    let failure = try await stub.say("stop", within: .seconds(5)).failure()
    #expect(failure.kind == .lost)
    #expect(failure.detail.contains("deadline"))
    #expect(try await stub.restReason().contains("hung"))
    #expect(try haveEnded(try stub.processIDs()))
    try await stub.untilItServes()
    await stub.end()
  }

  @Test func `a hang is found without any call`() async throws {
    let stub = LocalStub(in: directory.url.path, times: quickChecks)
    let pid = try await stub.number("pid")
    kill(pid, SIGSTOP)
    try await waitUntil("the frozen process is gone") { kill(pid, 0) != 0 }
    #expect(try await stub.restReason().contains("hung"))
    await stub.end()
  }

  @Test func `long calls of a process that answers checks are no hang`() async throws {
    let stub = LocalStub(in: directory.url.path, times: quickChecks)
    #expect(try await stub.say("sleep 2").reply().text.contains("slept"))
    #expect(try await stub.say("sleep 8", within: .seconds(3)).failure().kind == .lost)
    #expect(try await stub.say("sleep 1").reply().text.contains("slept"))
    #expect(try stub.processIDs().count == 1)
    await stub.end()
  }

  @Test func `a memory balloon is burst`() async throws {
    let stub = LocalStub(in: directory.url.path, limits: ProcessLimits(memoryMegabytes: 200))
    _ = try await stub.say("hi").reply()
    #expect(try await stub.say("balloon").failure().kind == .lost)
    #expect(try await stub.restReason() == "the serving process was above its memory limit of 200 MiB and was killed")
    #expect(try haveEnded(try stub.processIDs()))
    try await stub.untilItServes()
    await stub.end()
  }

  @Test func `a fork bomb is killed with every child`() async throws {
    let stub = LocalStub(in: directory.url.path, limits: ProcessLimits(processes: 20))
    _ = try await stub.say("hi").reply()
    #expect(try await stub.say("fork").failure().kind == .lost)
    #expect(try await stub.restReason().contains("limit of 20 processes"))
    try await waitUntil("every child is gone") { try haveEnded(try stub.children()) }
    try await stub.untilItServes()
    await stub.end()
  }

  @Test func `files that are never closed end the process, not the worker`() async throws {
    let stub = LocalStub(in: directory.url.path, limits: ProcessLimits(files: 64), times: quickChecks)
    #expect(try await stub.number("files") == 64)
    #expect(try await stub.say("leak", within: .seconds(5)).failure().kind == .lost)
    #expect(try await stub.restReason().contains("hung"))
    try await stub.untilItServes()
    await stub.end()
  }

  @Test func `processors are limited from the first moment on`() async throws {
    let stub = LocalStub(in: directory.url.path, limits: ProcessLimits(processors: 1, files: 256))
    #expect(try await stub.number("processors") == 1)
    #expect(try await stub.number("files") == 256)
    #expect(try stub.processIDs() == [try await stub.number("pid")])
    await stub.end()
  }

  @Test(arguments: ["partial", "flood"])
  func `an answer that is cut short or does not end is malformed, and the process goes on`(prompt: String) async throws
  {
    let stub = LocalStub(in: directory.url.path)
    let kind = try await stub.say(prompt).failure().kind
    #expect(kind == .malformed || kind == .lost)
    #expect(try await stub.number("pid") == stub.processIDs().first)
    #expect(try stub.processIDs().count == 1)
    await stub.end()
  }
}

struct LimitedCommandTests {
  @Test func `lists of processors are read`() {
    #expect(LimitedCommand.processors(in: "\t0-3,8") == [0, 1, 2, 3, 8])
    #expect(LimitedCommand.processors(in: "5") == [5])
    #expect(LimitedCommand.processors(in: "") == [])
    #expect(!LimitedCommand.ownProcessors().isEmpty)
  }

  @Test func `without limits a command stays as it is`() {
    let none = ProcessLimits(memoryMegabytes: 10, processes: 5)
    #expect(LimitedCommand.of(["serve", "-x"], none, processors: [0, 1]) == ["serve", "-x"])
    #expect(LimitedCommand.of(["serve"], ProcessLimits(processors: 2), processors: [0, 1]) == ["serve"])
  }

  @Test func `limits are put in front of it`() throws {
    let limits = ProcessLimits(processors: 2, files: 99)
    let command = LimitedCommand.of(["serve", "-x"], limits, processors: [4, 5, 6])
    try #require(command.count == 9)
    #expect(command.prefix(2) == ["/bin/sh", "-c"] && command[3] == "99")
    #expect(command.suffix(2) == ["serve", "-x"])
    let chosen = LimitedCommand.processors(in: command[6][...])
    #expect(chosen.count == 2 && Set(chosen).isSubset(of: [4, 5, 6]))
  }
}

struct GroupUsageTests {
  @Test func `a group is counted whole, and only it`() async throws {
    let directory = try TestDirectory("group")
    let stub = LocalStub(in: directory.url.path)
    let pid = try await stub.number("pid")
    let alone = try #require(try GroupUsage.read(of: [pid])[pid])
    #expect(alone.processes == 1)
    #expect(alone.residentBytes > 4 << 20 && alone.residentBytes < 200 << 20)
    _ = try await stub.say("child").reply()
    try await waitUntil("the grandchild runs") { try stub.children().count == 2 }
    #expect(try GroupUsage.read(of: [pid])[pid]?.processes == 3)
    await stub.end()
    try await waitUntil("nothing of it takes memory") { try GroupUsage.read(of: [pid])[pid]?.residentBytes ?? 0 == 0 }
  }

  @Test func `only what is above is above`() {
    let limits = ProcessLimits(memoryMegabytes: 1, processes: 2)
    #expect(LimitWatch.excess(of: GroupUsage(processes: 2, residentBytes: 1 << 20), over: limits) == nil)
    #expect(LimitWatch.excess(of: GroupUsage(processes: 3, residentBytes: 0), over: limits) == "limit of 2 processes")
    #expect(
      LimitWatch.excess(of: GroupUsage(processes: 1, residentBytes: 1 + 1 << 20), over: limits)
        == "memory limit of 1 MiB")
    #expect(LimitWatch(ProcessLimits(processors: 1, files: 10), logger: silentLogger) == nil)
  }
}
