import Contracts
import Foundation
import Gateway
import Logging
import NIOHTTP1
import Redis
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5)))
struct StoryEventTests {
  private func stories(_ text: String) throws -> [JSONValue] {
    try text.split(separator: "\n").filter { $0.hasPrefix("data: ") }
      .map { try JSONParser.parse(Array($0.dropFirst(6).utf8)).root }
  }

  @Test func `a stream has the story at once, each change of it, and ends with it`() async throws {
    try await GatewayBench.with { bench in
      let story = try await bench.tell(1)
      let jobs = try await bench.jobs(in: .low, 3)
      var step = 0
      let answer = try await bench.follow("\(story)/events") { text in
        // A part may hold half an event.
        guard text.hasSuffix("\n\n"), try stories(text).count > step else { return false }
        step = try stories(text).count
        if step <= jobs.count {
          // The video stands first and ends last.
          try await bench.finish(jobs[step % jobs.count], output: nil, isStarted: false)
        }
        return false
      }
      #expect(answer.status == 200 && answer.field("content-type") == "text/event-stream")
      let shown = try stories(answer.text)
      #expect(shown.count == 4)
      #expect(shown.first?["status"]?.string == "queued" && shown.last?["status"]?.string == "succeeded")
      #expect(answer.text.contains("id: end-r1\nevent: status\n"))
      let again = try await bench.follow("\(story)/events", headers: ["Last-Event-ID": "end-r1"])
      #expect(again.status == 204)
      #expect(try stories(try await bench.follow("\(story)/events").text).count == 1)
      try await waitUntil("nobody watches") { bench.streams == 0 }
    }
  }

  @Test func `jobs and stories share the places, and a story of somebody else is as good as none`() async throws {
    try await GatewayBench.with(adjust: {
      $0.streams = 1
      $0.consoleStreams = 0
      $0.heartbeat = .milliseconds(200)
    }) { bench in
      let story = try await bench.tell(1)
      _ = try await bench.submit(echo("job"))
      _ = try await bench.follow("\(story)/events") { text in
        guard text.contains("event: status") else { return false }
        let refused = try await bench.send("/v1/jobs/job/events")
        #expect(try refused.status == 503 && refused.problem == "unavailable")
        return true
      }
      try await waitUntil("the place is free") { bench.streams == 0 }
      let (_, studio) = try await bench.key([.read], "studio-*")
      try await waitUntil("keys are asked for") { try await bench.send(story).status == 401 }
      #expect(try await bench.send("\(story)/events", headers: studio).status == 404)
    }
  }

  @Test func `many who watch stories cost one question`() async throws {
    let redis = try await LiveRedis.dedicated()
    try await GatewayBench.with(redisURL: redis.url, adjust: { $0.sampling = .milliseconds(200) }) { bench in
      let story = try await bench.tell(1)
      try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<20 {
          group.addTask {
            let request = "GET \(story)/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            let heard = try await RawConnection.talk(port: bench.port, request, within: .seconds(280))
            return heard.components(separatedBy: "\nevent: ").count - 1
          }
        }
        try await waitUntil("all watch") { bench.streams == 20 }
        let begin = ContinuousClock.now
        let before = try await bench.scriptCalls()
        try await waitUntil("it was asked 10 times") {
          try await bench.scriptCalls() >= before + 10
        }
        #expect(ContinuousClock.now - begin > .seconds(1))
        #expect(try await bench.send(story, method: .DELETE).status == 200)
        for try await count in group { #expect(count >= 2) }
      }
    }
  }
}
