import Admission
import AsyncHTTPClient
import Contracts
import Foundation
import Gateway
import Logging
import NIOHTTP1
import Redis
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5)))
struct JobEventTests {
  /// Id, name and data of each event; comments and the time to come back are left out.
  private func events(_ text: String) throws -> [(id: String, name: String, data: JSONValue)] {
    try text.components(separatedBy: "\n\n").compactMap { block in
      let fields = Dictionary(
        block.split(separator: "\n").compactMap { line -> (String, String)? in
          guard let colon = line.range(of: ": ") else { return nil }
          return (String(line[..<colon.lowerBound]), String(line[colon.upperBound...]))
        }, uniquingKeysWith: { first, _ in first })
      guard let name = fields["event"], let data = fields["data"] else { return nil }
      return (fields["id"] ?? "", name, try JSONParser.parse(Array(data.utf8)).root)
    }
  }

  @Test func `a stream has the status at once, each change, and the result, and ends`() async throws {
    try await GatewayBench.with { bench in
      _ = try await bench.submit(echo("job"))
      let job = try echoJob("job")
      var step = 0
      let answer = try await bench.follow("/v1/jobs/job/events") { text in
        switch step {
        case 0 where text.contains(#""status":"queued""#): _ = try await bench.start(job)
        case 1 where text.contains(#""status":"running""#): try await bench.finish(job, output: #"{"echo":{}}"#)
        default: return false
        }
        step += 1
        return false
      }
      #expect(answer.status == 200 && answer.field("content-type") == "text/event-stream")
      #expect(answer.field("cache-control") == "no-store" && answer.field("x-accel-buffering") == "no")
      #expect(answer.text.hasPrefix("retry: 3000\n\n"))
      let events = try events(answer.text)
      #expect(events.map(\.name) == ["status", "status", "status", "result"])
      #expect(events.map(\.id) == ["1", "2", "3", "end-r1"])
      #expect(events.compactMap { $0.data["status"]?.string } == ["queued", "running", "succeeded", "succeeded"])
      #expect(events[2].data["result"] == nil && events[3].data["output"]?["echo"] != nil)
      let again = try await bench.follow("/v1/jobs/job/events", headers: ["Last-Event-ID": "end-r1"])
      #expect(again.status == 204 && again.text.isEmpty)
      #expect(try self.events(try await bench.follow("/v1/jobs/job/events").text).map(\.name) == ["status", "result"])
    }
  }

  @Test func `a stream without news has comments and outlives the time of an idle connection`() async throws {
    try await GatewayBench.with(adjust: {
      $0.heartbeat = .milliseconds(300)
      $0.idleLimit = .milliseconds(500)
      $0.readLimit = .milliseconds(500)
    }) { bench in
      _ = try await bench.submit(echo("job"))
      let answer = try await bench.follow("/v1/jobs/job/events") { text in
        text.components(separatedBy: ": nothing new\n\n").count > 5
      }
      #expect(try events(answer.text).count == 1)
    }
  }

  @Test func `many who watch cost one question, and each sees the change`() async throws {
    let redis = try await LiveRedis.dedicated()
    try await GatewayBench.with(redisURL: redis.url, adjust: { $0.sampling = .milliseconds(200) }) { bench in
      _ = try await bench.submit(echo("job"))
      let job = try echoJob("job")
      try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<30 {
          group.addTask {
            // A client shares few connections among its requests; each of these has its own.
            let request = "GET /v1/jobs/job/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            let heard = try await RawConnection.talk(port: bench.port, request, within: .seconds(280))
            return heard.components(separatedBy: "\nevent: ").count - 1
          }
        }
        try await waitUntil("all watch") { bench.streams == 30 }
        let begin = ContinuousClock.now
        let before = try await bench.scriptCalls()
        try await waitUntil("it was asked 20 times") {
          try await bench.scriptCalls() >= before + 20
        }
        #expect(ContinuousClock.now - begin > .seconds(2))
        _ = try await bench.start(job)
        try await bench.finish(job, output: nil)
        for try await count in group { #expect((3...4).contains(count)) }
      }
      try await waitUntil("nobody watches") { bench.streams == 0 }
    }
  }

  @Test func `more than may watch are told to come back, and a place is free again behind those who left`()
    async throws
  {
    try await GatewayBench.with(adjust: {
      $0.streams = 1
      $0.consoleStreams = 0
      $0.heartbeat = .milliseconds(200)
    }) { bench in
      _ = try await bench.submit(echo("job"))
      _ = try await bench.follow("/v1/jobs/job/events") { text in
        if text.contains("event: status") {
          let refused = try await bench.send("/v1/jobs/job/events")
          #expect(try refused.status == 503 && refused.problem == "unavailable")
          #expect(refused.field("retry-after") == "5")
          return true
        }
        return false
      }
      try await waitUntil("the place is free") { bench.streams == 0 }
      #expect(try await bench.send("/v1/jobs/job/events", method: .HEAD).status == 200)
      #expect(bench.streams == 0)
    }
  }

  @Test func `a key that is revoked sees nothing more`() async throws {
    try await GatewayBench.with(adjust: { $0.heartbeat = .milliseconds(300) }) { bench in
      let (key, header) = try await bench.key([.submit, .read])
      try await waitUntil("keys are asked for") { try await bench.submit(echo()).status == 401 }
      #expect(try await bench.submit(echo("job"), headers: header).status == 202)
      let answer = try await bench.follow("/v1/jobs/job/events", headers: header) { text in
        guard text.hasSuffix("\n\n"), text.contains("event: status"), !text.contains(": nothing new") else {
          return false
        }
        var revoked = key
        revoked.isRevoked = true
        try await bench.desk.storeKeys([revoked])
        return false
      }
      #expect(try events(answer.text).count == 1)
    }
  }

  @Test func `streams end when the gateway does`() async throws {
    try await GatewayBench.with { bench in
      _ = try await bench.submit(echo("job"))
      let begin = ContinuousClock.now
      let answer = try await bench.follow("/v1/jobs/job/events") { text in
        if text.contains("event: status") { await bench.drain() }
        return false
      }
      #expect(try events(answer.text).count == 1)
      #expect(ContinuousClock.now - begin < .seconds(15))
    }
  }

  @Test func `an outage of Redis is no news, and what happens behind it is seen`() async throws {
    let redis = try await LiveRedis.dedicated()
    try await GatewayBench.with(redisURL: redis.url) { bench in
      _ = try await bench.submit(echo("job"))
      let job = try echoJob("job")
      var hasCrashed = false
      let answer = try await bench.follow("/v1/jobs/job/events") { text in
        guard !hasCrashed, text.contains("event: status") else { return false }
        hasCrashed = true
        try await redis.crash()
        try await waitUntil("it is told") {
          bench.log.count(.error, "watched jobs cannot be seen") > 0
        }
        try await redis.start()
        try await waitUntil("they are seen again") {
          bench.log.count(.info, "watched jobs are seen again") > 0
        }
        try await bench.finish(job, output: nil, isStarted: false)
        return false
      }
      #expect(try events(answer.text).map(\.name) == ["status", "status", "result"])
    }
  }
}
