import Catalog
import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

/// Who shares a serving process with whom.
struct LocalIsolationTests {
  let directory: TestDirectory

  init() throws { directory = try TestDirectory("local-isolation") }

  @Test func `shared: one process for everybody`() async throws {
    let stub = LocalStub(in: directory.url.path)
    let one = try await stub.number("pid", tier: "FREE", user: "ann")
    #expect(try await stub.number("pid", tier: "PRO", user: "bob") == one)
    #expect(!stub.provider.separatesUsers)
    await stub.end()
  }

  @Test func `per tier: one process for each tier, whoever calls`() async throws {
    let stub = LocalStub(in: directory.url.path, isolation: .perTier)
    let free = try await stub.number("pid", tier: "FREE", user: "ann")
    let pro = try await stub.number("pid", tier: "PRO", user: "ann")
    #expect(free != pro)
    #expect(try await stub.number("pid", tier: "FREE", user: "bob") == free)
    #expect(!stub.provider.separatesUsers)
    await stub.end()
    #expect(try haveEnded([free, pro]))
  }

  @Test func `per user: a process and a directory for each user, closed to others`() async throws {
    let stub = LocalStub(in: directory.url.path, isolation: .perUser)
    #expect(stub.provider.separatesUsers)
    let ann = try await stub.number("pid", tier: "FREE", user: "ann")
    let bob = try await stub.number("pid", tier: "FREE", user: "bob")
    #expect(ann != bob)
    #expect(try await stub.number("pid", tier: "PRO", user: "ann") == ann)
    var places: Set<String> = []
    for user in ["ann", "bob"] {
      let socket = try #require(try await stub.say("socket", user: user).reply().document()["text"]?.string)
      let place = URL(filePath: socket).deletingLastPathComponent().path
      let mode = try FileManager.default.attributesOfItem(atPath: place)[.posixPermissions] as? Int
      #expect(mode == 0o700)
      #expect(!place.contains(user))
      places.insert(place)
    }
    #expect(places.count == 2)
    await stub.end()
    #expect(places.allSatisfy { !FileManager.default.fileExists(atPath: $0) })
  }

  @Test func `the crash of one user's process is no matter of others`() async throws {
    let stub = LocalStub(in: directory.url.path, isolation: .perUser)
    let bob = try await stub.number("pid", user: "bob")
    _ = try await stub.say("exit", user: "ann").failure()
    #expect(try await stub.number("pid", user: "bob") == bob)
    await stub.end()
  }

  @Test func `the longest idle process makes room for a further user`() async throws {
    let stub = LocalStub(in: directory.url.path, isolation: .perUser, processes: 2)
    let ann = try await stub.number("pid", user: "ann")
    let bob = try await stub.number("pid", user: "bob")
    #expect(try await stub.number("pid", user: "ann") == ann)
    let eve = try await stub.number("pid", user: "eve")
    #expect(kill(bob, 0) != 0)  // ended before the new one was started
    #expect(kill(ann, 0) == 0)
    #expect(try await stub.number("pid", user: "eve") == eve)
    await stub.end()
    #expect(try haveEnded(try stub.processIDs()))
  }

  @Test func `when all are busy a further user is refused for a moment`() async throws {
    let stub = LocalStub(in: directory.url.path, isolation: .perUser, processes: 1)
    let busy = Task { try await stub.say("wait", user: "ann") }
    try await waitUntil("the call is under way") {
      FileManager.default.fileExists(atPath: stub.directory + "/calls")
    }
    let failure = try await stub.say("hi", user: "bob").failure()
    #expect(failure.kind == .local)
    #expect(failure.detail == "all serving processes are busy")
    #expect(failure.retryAfter == .seconds(1))
    #expect(!failure.reachedProvider)
    try Data().write(to: directory.file("go"))
    #expect(try await busy.value.reply().text.contains("went"))
    #expect(try await stub.say("hi", user: "bob").reply().text.contains("hello"))
    await stub.end()
  }

  @Test func `a batch of several users never shares a process that is one user's`() async throws {
    let stub = LocalStub(in: directory.url.path, isolation: .perUser)
    _ = try await stub.say("hi", user: "ann").reply()
    let batch = try ["ann", "bob"].map { try LocalStub.call(.tts, #"{"text":"hello"}"#, user: $0) }
    for answer in await stub.provider.call(batch) { _ = try answer.reply() }
    #expect(try stub.paths().suffix(2) == ["/v1/audio/speech", "/v1/audio/speech"])
    #expect(try stub.processIDs().count == 2)
    await stub.end()
  }
}
