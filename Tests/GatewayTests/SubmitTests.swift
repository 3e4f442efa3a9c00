import Admission
import Contracts
import Foundation
import Gateway
import Redis
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5)))
struct SubmitTests {
  @Test func `a job is in its tier's lane when it is accepted`() async throws {
    try await GatewayBench.with { bench in
      try await bench.desk.report(WorkerReport(worker: "w", slots: 1))
      for (tier, lane, priority) in [("tier1", "low", 1), ("tier2", "standard", 2), ("BUSINESS", "high", 3)] {
        let answer = try await bench.submit(echo("job-\(tier)", tier: tier))
        #expect(answer.status == 202)
        #expect(answer.field("location") == "/v1/jobs/job-\(tier)")
        let json = try answer.json
        #expect(json["id"]?.string == "job-\(tier)" && json["lane"]?.string == lane)
        #expect(json["priority"]?.integer == priority && json["position"]?.integer == 1)
        let start = try #require(json["expectedStart"]?.string.flatMap { Timestamp($0) })
        #expect(abs(Double(start.milliseconds) / 1000 - Date().timeIntervalSince1970) < 30)
        let message = try await bench.take(from: try #require(Lane(rawValue: lane)))
        #expect(message?.id == "job-\(tier)" && message?.body == echo("job-\(tier)", tier: tier))
      }
    }
  }

  @Test func `the tier that was assigned wins over the one that the message claims`() async throws {
    try await GatewayBench.with { bench in
      try await bench.desk.store(Entitlement(tier: "ENTERPRISE"), of: "ana")
      #expect(try await bench.submit(echo(tier: "tier1")).json["lane"]?.string == "critical")
      #expect(try await bench.submit(echo(user: "ben")).json["tier"]?.string == "FREE")
    }
  }

  @Test func `a message without an id gets one, the same for the same idempotency key`() async throws {
    try await GatewayBench.with { bench in
      let first = try await bench.submit(echo(), headers: ["Idempotency-Key": "order 1"])
      let again = try await bench.submit(echo(), headers: ["Idempotency-Key": "order 1"])
      let id = try #require(try first.json["id"]?.string)
      #expect(id.hasPrefix("ik-") && id.count == 25)
      #expect(try again.status == 202 && again.json["id"]?.string == id)
      let other = try await bench.submit(echo(n: 1), headers: ["Idempotency-Key": "order 1"])
      #expect(try other.status == 409 && other.problem == "id-conflict")
      let message = try #require(try await bench.take(from: .low))
      #expect(message.id == id && message.body.hasPrefix(#"{"id":"\#(id)","userId""#))
      let fresh = try await bench.submit(#"{"id": null, "userId":"ana","taskType":"echo","payload":{}}"#)
      #expect(try fresh.status == 202 && fresh.json["id"]?.string?.count == 26)
      let wrong = try await bench.submit(echo(), headers: ["Idempotency-Key": String(repeating: "x", count: 256)])
      #expect(try wrong.status == 400 && wrong.problem == "bad-request")
    }
  }

  @Test func `a job that is here already is accepted again and not published again`() async throws {
    try await GatewayBench.with { bench in
      let body = echo("known", tier: "PRO")
      guard case .job(let job) = JobMessage.decode(Array(body.utf8), messageID: nil) else { return }
      _ = try await bench.desk.admit([
        AdmissionRequest(job: job, lane: .standard, limit: 5, leaseID: "w.1", runStamp: "run", intent: [])
      ])
      let answer = try await bench.submit(body)
      #expect(try answer.status == 202 && answer.json["position"]?.integer == 0)
      #expect(answer.field("ratelimit") == nil)
      #expect(try await bench.submit(echo("known", tier: "PRO", n: 1)).status == 409)
      #expect(try await bench.take(from: .standard) == nil)
    }
  }

  @Test(arguments: [
    (#"{"taskType":"echo","payload":{}}"#, "userId"), (#"{"userId":"a b","taskType":"echo","payload":{}}"#, "userId"),
    (#"{"userId":"ana","payload":{}}"#, "taskType"), (#"{"userId":"ana","taskType":"fly","payload":{}}"#, "taskType"),
    (#"{"userId":"ana","taskType":"echo"}"#, "payload"), (#"{"id":"","userId":"ana","taskType":"echo"}"#, "id"),
    (#"{"id":7,"userId":"ana","taskType":"echo","payload":{}}"#, "id"),
    (#"{"userId":"ana","taskType":"tts","payload":{}}"#, "payload.text"),
  ])
  func `a message that is not valid is refused by the name of its member`(_ body: String, _ member: String)
    async throws
  {
    try await GatewayBench.with { bench in
      let answer = try await bench.submit(body)
      #expect(try answer.status == 422 && answer.problem == "invalid-message")
      #expect(try answer.json["member"]?.string == member)
    }
  }

  @Test func `what is no JSON, not said to be JSON or too much is refused`() async throws {
    try await GatewayBench.with { bench in
      for body in ["", "{", "[]", #"{"userId":"ana","userId":"ben"}"#, "\u{FEFF}{}"] {
        #expect(try await bench.submit(body).problem == "invalid-message")
      }
      let form = try await bench.submit(echo(), headers: ["Content-Type": "text/plain"])
      #expect(try form.status == 415 && form.problem == "unsupported-media-type")
      #expect(try await bench.submit(echo(), headers: ["Content-Encoding": "gzip"]).status == 415)
      #expect(
        try await bench.submit(echo(), headers: ["Content-Type": "application/json; charset=utf-8"]).status == 202)
      let large = #"{"userId":"ana","taskType":"echo","payload":{"x":"\#(String(repeating: "x", count: 1 << 20))"}}"#
      let answer = try await bench.submit(large)
      #expect(try answer.status == 413 && answer.problem == "too-large")
    }
  }

  @Test func `a body that has no room for its id is refused, and not published`() async throws {
    try await GatewayBench.with { bench in
      func body(_ bytes: Int, id: String = "") -> String {
        let (head, tail) = (#"{\#(id)"userId":"ana","taskType":"echo","payload":{"x":""#, #""}}"#)
        return head + String(repeating: "x", count: bytes - head.utf8.count - tail.utf8.count) + tail
      }
      let most = JobMessage.maximumBytes
      for headers in [[:], ["Idempotency-Key": "order 1"]] {
        let answer = try await bench.submit(body(most - 20), headers: headers)
        #expect(try answer.status == 413 && answer.problem == "too-large")
      }
      #expect(try await bench.take(from: .low) == nil)
      #expect(try await bench.submit(body(most - 40)).status == 202)
      #expect(try await bench.submit(body(most, id: #""id":"whole","#)).status == 202)
      for _ in 1...2 {
        let message = try #require(try await bench.take(from: .low))
        #expect(message.body.utf8.count <= most)
      }
    }
  }

  @Test func `a start that nobody can know is not foretold, and none before its time`() async throws {
    try await GatewayBench.with { bench in
      let lonely = try await bench.submit(echo()).json
      #expect(lonely["expectedStart"]?.isNull == true && lonely["position"]?.integer == 1)
      let later = "2036-01-01T00:00:00.000Z"
      func body(_ more: String) -> String { #"{"userId":"ben","taskType":"echo","payload":{},\#(more)}"# }
      func start(_ more: String) async throws -> JSONValue? {
        try await bench.desk.report(WorkerReport(worker: "w", slots: 1))
        return try await bench.submit(body(more)).json["expectedStart"]
      }
      try await waitUntil("a worker is seen") { try await start(#""model":null"#)?.string != nil }
      #expect(try await start(#""notBefore":"\#(later)""#)?.string == later)
      #expect(try await start(#""after":["nobody-knows"]"#)?.isNull == true)
    }
  }

  @Test func `a gateway that is told to end answers what has come in, and takes no more`() async throws {
    try await GatewayBench.with { bench in
      let body = echo("last")
      // Both heads come in together, so that the second one is there when the first is answered.
      let first = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
      let head = "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
      let answer = try await RawConnection.talk(
        port: bench.port, first + head, within: .seconds(240),
        pause: {
          await bench.drain()
          try await waitUntil("no connection is taken") {
            do { _ = try await RawConnection.talk(port: bench.port, "x\r\n\r\n", within: .seconds(10)) } catch {
              return true
            }
            return false
          }
        }, rest: body)
      #expect(answer.contains("HTTP/1.1 202 "))
      #expect(try await bench.take(from: .low)?.id == "last")
    }
  }

  @Test func `without Redis nothing is taken, and that is said`() async throws {
    let redis = try await LiveRedis.dedicated()
    try await GatewayBench.with(redisURL: redis.url) { bench in
      #expect(try await bench.submit(echo()).status == 202)
      try await redis.crash()
      let answer = try await bench.submit(echo())
      #expect(try answer.status == 503 && answer.problem == "unavailable")
      #expect(answer.field("retry-after").flatMap { Int($0) } ?? 0 >= 1)
      let ready = try await bench.send("/readyz")
      #expect(try ready.status == 503 && ready.problem == "unavailable")
      try await redis.start()
      // It lost its memory: what stands for nobody's keys and limits may be lost, too.
      try await waitUntil("redis is there again") {
        try await bench.send("/readyz").status == 200
      }
      let held = try await bench.submit(echo())
      #expect(held.status == 503)
      #expect((1...30).contains(held.field("retry-after").flatMap { Int($0) } ?? 0))
    }
  }

  @Test func `a job that the broker does not confirm in time may be sent again`() async throws {
    let broker = try await LiveBroker.dedicated()
    try await GatewayBench.with(brokerURL: broker.url, adjust: { $0.publishLimit = .seconds(5) }) { bench in
      #expect(try await bench.submit(echo("before")).status == 202)
      _ = try await broker.rabbitmqctl("set_vm_memory_high_watermark", "0.0001")
      try await waitUntil("the broker takes nothing") {
        try await bench.submit(echo()).status == 503
      }
      let answer = try await bench.submit(echo("waits"))
      #expect(try answer.problem == "unavailable" && answer.json["jobId"]?.string == "waits")
      #expect(try await bench.send("/readyz").status == 503)
      _ = try await broker.rabbitmqctl("set_vm_memory_high_watermark", "0.6")
      try await waitUntil("the broker takes jobs again") {
        try await bench.submit(echo("waits")).status == 202
      }
    }
  }
}
