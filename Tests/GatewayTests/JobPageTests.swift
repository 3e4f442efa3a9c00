import AsyncHTTPClient
import Contracts
import Gateway
import NIOHTTP1
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5)))
struct JobPageTests {
  @Test func `a job is followed from the door to its result`() async throws {
    try await GatewayBench.with { bench in
      let location = try #require(try await bench.submit(echo("job")).field("location"))
      let job = try echoJob("job")
      let queued = try await bench.send(location)
      #expect(queued.status == 200 && queued.field("content-type") == "application/json")
      var json = try queued.json
      #expect(json["id"]?.string == "job" && json["userId"]?.string == "ana" && json["status"]?.string == "queued")
      #expect(json["lane"]?.string == "low" && json["tier"]?.string == "FREE")
      #expect(json["acceptedAt"]?.string.flatMap { Timestamp($0) } != nil)
      #expect(json["position"]?.isNull == true && json["result"]?.isNull == true)

      _ = try await bench.start(job, limit: 1)
      json = try await bench.send(location).json
      #expect(json["status"]?.string == "running" && json["run"]?.string == "r1" && json["tier"]?.string == "FREE")
      #expect(json["runningSince"]?.string != nil && json["acceptedAt"]?.isNull == true)

      _ = try await bench.submit(echo("next"))
      _ = try await bench.start(try echoJob("next"), limit: 1)
      json = try await bench.send("/v1/jobs/next").json
      #expect(json["status"]?.string == "waiting" && json["reason"]?.string == "concurrency")
      #expect(json["position"]?.integer == 1 && json["expectedStart"]?.string.flatMap { Timestamp($0) } != nil)

      try await bench.finish(job, output: #"{"echo":{"n":0}}"#)
      json = try await bench.send(location).json
      #expect(json["status"]?.string == "succeeded" && json["error"]?.isNull == true)
      #expect(json["result"]?["jobId"]?.string == "job" && json["result"]?["output"]?["echo"]?["n"]?.integer == 0)
      #expect(try await bench.send(location, method: .HEAD).status == 200)
    }
  }

  @Test func `a job of somebody else is as good as none`() async throws {
    try await GatewayBench.with { bench in
      let (_, studio) = try await bench.key([.submit, .read], "studio-*")
      let (_, sender) = try await bench.key([.submit])
      let (_, everybody) = try await bench.key([.read])
      try await waitUntil("keys are asked for") { try await bench.send("/v1/jobs/x").status == 401 }
      #expect(try await bench.submit(echo("theirs"), headers: sender).status == 202)
      #expect(try await bench.submit(echo("mine", user: "studio-1"), headers: studio).status == 202)
      let theirs = try await bench.send("/v1/jobs/theirs", headers: studio)
      let none = try await bench.send("/v1/jobs/none", headers: studio)
      #expect(try theirs.status == 404 && theirs.problem == "not-found")
      #expect(try none.status == 404 && none.json["detail"]?.string == theirs.json["detail"]?.string)
      for path in ["/v1/jobs/theirs/events", "/v1/jobs/theirs/artifact", "/v1/jobs/a%20b", "/v1/jobs/%2e%2e"] {
        #expect(try await bench.send(path, headers: studio).status == 404, "\(path)")
      }
      #expect(try await bench.send("/v1/jobs/mine", headers: studio).status == 200)
      #expect(try await bench.send("/v1/jobs/theirs", headers: everybody).status == 200)
      #expect(try await bench.send("/v1/jobs/mine", headers: sender).status == 403)
    }
  }

  @Test func `an id may be written with percent signs`() async throws {
    try await GatewayBench.with { bench in
      let location = try await bench.submit(echo("a:b@c")).field("location")
      #expect(location == "/v1/jobs/a:b@c")
      let plain = try await bench.send("/v1/jobs/a:b@c")
      let encoded = try await bench.send("/v1/jobs/a%3Ab%40c")
      #expect(plain.status == 200 && encoded.status == 200)
      #expect(try encoded.json["id"]?.string == "a:b@c")
    }
  }
}
