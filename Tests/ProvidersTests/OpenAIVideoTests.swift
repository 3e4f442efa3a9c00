import Contracts
import Foundation
import Synchronization
import TestKit
import Testing

@testable import Providers

/// Films: begun once, asked for until they are there, never begun again.
struct OpenAIVideoTests {
  /// Ids in the order they were written down.
  private final class Notes: Sendable {
    private let found = Mutex<[String]>([])
    var all: [String] { found.withLock { $0 } }
    func note(_ id: String) { found.withLock { $0.append(id) } }
  }

  private func video(
    model: String = "sora-2", payload: String = #"{"prompt":"a road","seconds":8}"#, remoteTask: String? = nil,
    notes: Notes = Notes(), within limit: Duration = .seconds(30)
  ) throws -> ProviderCall {
    ProviderCall(
      job: try job(.video, payload), model: model, modelVersion: nil, attemptID: "j/r/1", deadline: .now + limit,
      remoteTask: remoteTask,
      noteRemoteTask: { id in
        notes.note(id)
        return true
      })
  }

  private func created(_ fake: FakeOpenAI) throws -> Int { try fake.log().count { $0["event"]?.string == "start" } }

  @Test func `a film is begun, noted, asked for and fetched`() async throws {
    let fake = try await FakeOpenAI(.faulty)
    let notes = Notes()
    let reply = try await fake.provider.call(video(notes: notes)).reply()
    #expect(try reply.document()["artifact"]?["mediaType"]?.string == "video/mp4")
    #expect(try reply.document()["artifact"]?["path"]?.string?.hasSuffix("j.r.1.mp4") == true)
    #expect(reply.quantity(.videoSeconds) == "8")
    #expect(reply.usage.map(\.source) == [.provider])
    #expect(notes.all == ["video_1"])
    let log = try fake.log()
    #expect(try created(fake) == 1)
    #expect(log.contains { $0["step"]?.string == "poll" } && log.last?["step"]?.string == "content")
    try await fake.end()
  }

  @Test func `the id is written down before the first question`() async throws {
    let fake = try await FakeOpenAI(.faulty)
    let asked = Mutex(-1)
    let call = ProviderCall(
      job: try job(.video, #"{"prompt":"a"}"#), model: "sora-2", modelVersion: nil, attemptID: "j/r/1",
      deadline: .now + .seconds(30),
      noteRemoteTask: { _ in
        do {
          let count = try fake.log().count { $0["event"]?.string == "poll" }
          asked.withLock { $0 = count }
        } catch { Issue.record(error) }
        return false
      })
    _ = try await fake.provider.call(call).reply()
    #expect(asked.withLock { $0 } == 0)
    try await fake.end()
  }

  @Test func `a film that was begun before is gone on with`() async throws {
    let fake = try await FakeOpenAI(.faulty)
    _ = try await fake.provider.call(video()).reply()
    let notes = Notes()
    let again = try await fake.provider.call(video(remoteTask: "video_1", notes: notes)).reply()
    #expect(again.quantity(.videoSeconds) == "8")
    #expect(try created(fake) == 1)
    #expect(notes.all.isEmpty)
    let gone = try await fake.provider.call(video(remoteTask: "video_9")).failure()
    #expect(gone.kind == .lost && gone.detail.contains("gone"))
    #expect(gone.reachedProvider)
    #expect(try await fake.provider.call(video(remoteTask: "../files")).failure().kind == .local)
    #expect(try created(fake) == 1)
    try await fake.end()
  }

  @Test(arguments: [
    "poll-fault-503,500,ok", "poll-fault-429,ok", "poll-fault-reset,reset,ok", "poll-fault-malformed,truncated,ok",
    "poll-fault-404,ok", "poll-fault-silent:0.2,ok", "content-fault-503,reset,ok", "content-fault-404,ok",
    "content-fault-truncated,ok",
  ])
  func `what passes while it is made is no reason to buy another`(model: String) async throws {
    let fake = try await FakeOpenAI(.faulty, idle: .milliseconds(400))
    _ = try await fake.provider.call(video(model: model)).reply()
    #expect(try created(fake) == 1)
    try await fake.end()
  }

  @Test(arguments: [
    ("fault-503", ProviderFailure.Kind.server), ("fault-policy", .contentRefused), ("fault-quota", .funds),
    ("fault-reset", .lost), ("fault-malformed", .lost), ("fault-truncated", .lost),
    ("poll-fault-failed", .server), ("poll-fault-moderated", .contentRefused),
    ("poll-fault-401", .lost), ("poll-fault-malformed", .lost), ("content-fault-malformed", .lost),
    ("content-fault-redirect", .lost), ("content-fault-huge", .lost),
  ])
  func `a film that will not be has its kind, and may only be bought again where it was not`(
    model: String, kind: ProviderFailure.Kind
  ) async throws {
    let fake = try await FakeOpenAI(.faulty)
    let failure = try await fake.provider.call(video(model: model)).failure()
    #expect(failure.kind == kind, "\(failure.detail)")
    #expect(failure.reachedProvider)
    #expect(!failure.detail.contains("SECRET"))
    #expect(try created(fake) == 1)
    try await fake.end()
  }

  @Test func `a film that is not ready at the deadline is lost`() async throws {
    let fake = try await FakeOpenAI(.faulty)
    let failure = try await fake.provider.call(video(model: "poll-fault-503", within: .seconds(2))).failure()
    #expect(failure.kind == .lost)
    #expect(failure.reachedProvider)
    #expect(try created(fake) == 1)
    try await fake.end()
  }

  @Test func `scenes are told in one prompt, and nothing to show is the caller's fault`() async throws {
    let payload = #"{"scenes":[{"prompt":"a \"road\""},{"text":"a bridge"}],"seconds":8.0,"size":"720x1280"}"#
    let request = OpenAIRequest.videos(model: "m", payload: try JSONParser.parse(Array(payload.utf8)).root)
    #expect(
      request.map { String(decoding: $0.body, as: UTF8.self) }
        == #"{"model":"m","prompt":"a \"road\"\na bridge","seconds":"8","size":"720x1280"}"#)
    let fake = try await FakeOpenAI(.faulty)
    let failure = try await fake.provider.call(video(payload: #"{"scenes":[{}]}"#)).failure()
    #expect(failure.kind == .caller)
    #expect(!failure.reachedProvider)
    #expect(try created(fake) == 0)
    try await fake.end()
  }

  @Test func `questions come less and less often, within bounds`() {
    let pace = PollPace()
    #expect((0..<6).map { pace.pause(before: $0, jitter: 0).milliseconds } == [2000, 3000, 4500, 6750, 10_000, 10_000])
    #expect(pace.pause(before: 0, jitter: 1).milliseconds == 2400)
    #expect(pace.pause(before: 0, jitter: -1).milliseconds == 1600)
    #expect(pace.pause(before: 0, asked: .seconds(30), jitter: 0) == .seconds(30))
  }
}
