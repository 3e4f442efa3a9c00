import Admission
import Contracts
import NIOHTTP1
import Redis
import TestKit
import Testing

@testable import Gateway

/// A story that is sent again, jobs under its names, and what a user has waiting.
@Suite(.timeLimit(.minutes(5)))
struct StoryAgainTests {
  private let script = #"{"userId":"ana","userTier":"tier2","script":{"scenes":[{"narration":"A door."}]}}"#

  @Test func `it is accepted again, is published once and counts once`() async throws {
    try await GatewayBench.with { bench in
      let key = ["Idempotency-Key": "order 1"]
      let first = try await bench.send("/create-story", method: .POST, script, headers: key)
      #expect(first.status == 202 && first.field("ratelimit") != nil)
      for _ in 0..<30 {
        let again = try await bench.send("/create-story", method: .POST, script, headers: key)
        #expect(try again.status == 202 && again.json["storyId"]?.string == first.json["storyId"]?.string)
        #expect(try again.json["jobs"]?.elements.count == 3 && again.field("ratelimit") == nil)
      }
      let other = script.replacing("A door.", with: "A gate.")
      let conflict = try await bench.send("/create-story", method: .POST, other, headers: key)
      #expect(try conflict.status == 409 && conflict.problem == "id-conflict")
      _ = try await bench.jobs(in: .standard, 3)
      #expect(try await bench.take(from: .standard) == nil)
      let story = try first.json["storyId"]?.string ?? ""
      let stem = story.split(separator: "-").prefix(2).joined(separator: "-")
      #expect(stem.hasPrefix("st-"))
      #expect(try await bench.send("/v1/jobs/\(stem)").status == 404, "a story is no job")
    }
  }

  @Test func `a job of somebody else under the name of a scene is none of the story`() async throws {
    try await GatewayBench.with { bench in
      let story = try await bench.tell(1)
      let speech = story.dropFirst("/v1/stories/".count) + ".s1.speech"
      // As if Redis had lost what came in.
      let mark = bench.desk.keys.prefix + "door:job:" + speech
      _ = try await bench.redis.command(RedisCommand("DEL").arg(mark))
      let time = try await bench.desk.time()
      try await bench.desk.expect([try echoJob(String(speech), user: "ben")], lane: .low, tier: "FREE", at: time)
      let (_, ben) = try await bench.key([.read, .submit], "ben")
      let (_, ana) = try await bench.key([.read, .submit], "ana")
      try await waitUntil("keys are asked for") { try await bench.send(story).status == 401 }
      #expect(try await bench.send(story, headers: ben).status == 404)
      #expect(try await bench.send(story, method: .DELETE, headers: ben).status == 404)
      let shown = try await bench.send(story, headers: ana).json
      #expect(shown["userId"]?.string == "ana")
      #expect(shown["scenes"]?.elements.first?["speech"]?["status"]?.string == "unknown")
      #expect(try await bench.send(story, method: .DELETE, headers: ana).status == 202, "one job is not known")
      #expect(try await bench.send("/v1/jobs/\(speech)", headers: ben).json["status"]?.string == "queued")
    }
  }

  @Test func `a job that would be taken for one of a story is refused`() async throws {
    try await GatewayBench.with { bench in
      let story = try await bench.tell(1).dropFirst("/v1/stories/".count)
      for id in ["\(story).video", "st-hack-2.video", "st-hack-2.s2.image", "st-hack-2.s1.speech"] {
        let answer = try await bench.submit(echo(id))
        #expect(try answer.status == 422 && answer.json["member"]?.string == "id", "\(id)")
      }
      #expect(try await bench.send("/v1/stories/st-hack-2").status == 404)
      for id in ["st-hack-2", "st-hack-2.s3.image", "st-hack.video", "st-hack-2.video.mp4"] {
        #expect(try await bench.submit(echo(id)).status == 202, "\(id)")
      }
    }
  }

  /// Its video has a second time what is told.
  @Test func `a story whose jobs are too large for a message is not taken`() async throws {
    try await GatewayBench.with { bench in
      let scene = #"{"narration":"A\#(String(repeating: "🚪", count: 4_340))"}"#
      let scenes = Array(repeating: scene, count: 60).joined(separator: ",")
      let body = #"{"userId":"ana","script":{"scenes":[\#(scenes)]}}"#
      #expect(body.utf8.count < JobMessage.maximumBytes)
      let answer = try await bench.send("/create-story", method: .POST, body)
      #expect(try answer.status == 413 && answer.problem == "too-large" && answer.json["member"]?.string == "script")
      #expect(try await bench.messages(in: .low) == 0)
    }
  }

  @Test func `usage counts who waits for other jobs and who waits on the ladder`() async throws {
    try await GatewayBench.with { bench in
      _ = try await bench.start(try echoJob("a"), limit: 1)
      _ = try await bench.start(try echoJob("b"), limit: 1)
      let job = try echoJob("c")
      let now = try await bench.desk.time()
      try await bench.desk.rest([.init(job: job, lane: .high, until: now, reason: .notBefore)])
      let waiting = try await bench.send("/v1/users/ana/usage").json["waiting"]
      #expect(waiting?["low"]?.integer == 1 && waiting?["high"]?.integer == 1)
      guard case .admitted = try await bench.start(job, lane: .high, limit: 2) else { Issue.record("waits"); return }
      #expect(try await bench.send("/v1/users/ana/usage").json["waiting"]?["high"] == nil)
    }
  }
}
