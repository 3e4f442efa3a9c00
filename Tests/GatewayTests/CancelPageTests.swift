import AMQP
import Admission
import AsyncHTTPClient
import Billing
import Contracts
import Foundation
import Gateway
import Logging
import NIOHTTP1
import Operations
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5)))
struct CancelPageTests {
  /// Plays the worker of a job that runs, as one that is told to stop.
  private func stop(_ job: Job, at bench: GatewayBench) async throws {
    let result = ResultEvent(
      jobID: job.id, userID: job.userID, tier: "FREE", taskType: "echo", status: .cancelled, run: "r1",
      finishedAt: Timestamp(milliseconds: 0))
    _ = try await bench.desk.finish([
      Finish(
        job: job, leaseID: "w.\(job.id)", run: "r1", status: .cancelled, result: result.withoutOutput(), output: nil,
        attempt: 1, costs: [])
    ])
  }

  @Test func `a job that waits ends at once, and again is no harm`() async throws {
    try await GatewayBench.with { bench in
      let location = try #require(try await bench.submit(echo("job")).field("location"))
      for _ in 1...2 {
        let answer = try await bench.send(location, method: .DELETE)
        #expect(answer.status == 200 && answer.field("content-type") == "application/json")
        #expect(
          try answer.json["status"]?.string == "cancelled" && answer.json["error"]?["code"]?.string == "cancelled")
        #expect(try answer.json["result"]?["error"]?["message"]?.string == "cancelled by the local operator")
      }
      guard case .finished = try await bench.start(try echoJob("job")) else {
        Issue.record("a worker may begin it")
        return
      }
    }
  }

  @Test func `a job that runs is stopped by its worker, and until then it is accepted`() async throws {
    try await GatewayBench.with { bench in
      _ = try await bench.submit(echo("slow"))
      _ = try await bench.start(try echoJob("slow"))
      let patient = try await bench.send("/v1/jobs/slow", method: .DELETE)
      #expect(try patient.status == 202 && patient.json["status"]?.string == "running")
      async let answer = bench.send("/v1/jobs/slow", method: .DELETE)
      try await stop(try echoJob("slow"), at: bench)
      let stopped = try await answer
      #expect(try stopped.status == 200 && stopped.json["status"]?.string == "cancelled")
    }
  }

  @Test func `what has ended otherwise cannot be cancelled, what is not there not either`() async throws {
    try await GatewayBench.with { bench in
      _ = try await bench.submit(echo("done"))
      try await bench.finish(try echoJob("done"), output: nil, isStarted: false)
      let late = try await bench.send("/v1/jobs/done", method: .DELETE)
      #expect(try late.status == 409 && late.problem == "already-ended")
      for path in ["/v1/jobs/none", "/v1/stories/none", "/v1/stories/st-none-1"] {
        #expect(try await bench.send(path, method: .DELETE).status == 404, "\(path)")
      }
      #expect(try await bench.send("/v1/jobs/done", method: .PUT).field("allow") == "DELETE, GET, HEAD")
    }
  }

  @Test func `only who may send jobs for the user may cancel them`() async throws {
    try await GatewayBench.with { bench in
      let (_, sender) = try await bench.key([.submit], "studio-*")
      let (other, everybody) = try await bench.key([.submit])
      let (_, reader) = try await bench.key([.read])
      try await waitUntil("keys are asked for") { try await bench.send("/v1/jobs/x").status == 401 }
      #expect(try await bench.submit(echo("theirs"), headers: everybody).status == 202)
      #expect(try await bench.send("/v1/jobs/theirs", method: .DELETE, headers: sender).status == 404)
      #expect(try await bench.send("/v1/jobs/theirs", method: .DELETE, headers: reader).status == 403)
      #expect(try await bench.send("/v1/jobs/theirs", method: .DELETE).status == 401)
      let answer = try await bench.send("/v1/jobs/theirs", method: .DELETE, headers: everybody)
      #expect(answer.status == 200 && answer.text.contains("cancelled by the key \(other.id)"))
      let story = try await bench.tell(1, headers: everybody)
      #expect(try await bench.send(story, method: .DELETE, headers: sender).status == 404)
      #expect(try await bench.send(story, method: .DELETE, headers: reader).status == 403)
      #expect(try await bench.send(story, method: .DELETE, headers: everybody).status == 200)
    }
  }

  @Test func `a page of another site cancels nothing at a fleet without keys`() async throws {
    try await GatewayBench.with { bench in
      _ = try await bench.submit(echo("job"))
      let foreign = ["Origin": "https://elsewhere.example"]
      #expect(try await bench.send("/v1/jobs/job", method: .DELETE, headers: foreign).status == 403)
      #expect(try await bench.send("/v1/jobs/job").json["status"]?.string == "queued")
    }
  }

  @Test func `a story ends with all its jobs, although no worker has seen them`() async throws {
    try await GatewayBench.with { bench in
      let story = try await bench.tell(12)
      #expect(try await bench.send(story).json["status"]?.string == "queued")
      let answer = try await bench.send(story, method: .DELETE)
      #expect(try answer.status == 200 && answer.json["status"]?.string == "cancelled")
      let scenes = try answer.json["scenes"]?.elements ?? []
      #expect(scenes.count == 12)
      #expect(
        scenes.allSatisfy {
          $0["speech"]?["status"]?.string == "cancelled" && $0["image"]?["status"]?.string == "cancelled"
        })
      var begun = 0
      for _ in 0..<25 {
        let message = try #require(try await bench.take(from: .low))
        guard case .job(let job) = JobMessage.decode(Array(message.body.utf8), messageID: nil) else { continue }
        if case .finished = try await bench.start(job, limit: 100) { continue }
        begun += 1
      }
      #expect(begun == 0)
      #expect(try await bench.send(story, method: .DELETE).status == 200)
    }
  }

  @Test func `what an administrator cancels is kept, what a sender cancels is not`() async throws {
    try await GatewayBench.with { bench in
      let (_, sender) = try await bench.key([.submit])
      let (admin, header) = try await bench.key([.admin])
      try await waitUntil("keys are asked for") { try await bench.send("/v1/jobs/x").status == 401 }
      for job in ["hers", "theirs", "over"] { _ = try await bench.submit(echo(job), headers: sender) }
      try await bench.finish(try echoJob("over"), output: nil, isStarted: false)
      let story = try await bench.tell(1, headers: sender)
      let id = try #require(story.split(separator: "/").last)
      #expect(try await bench.send("/v1/jobs/hers", method: .DELETE, headers: sender).status == 200)
      #expect(try await bench.changes() == [])
      let traced = header.merging(["X-Request-Id": "r-9"]) { $1 }
      #expect(try await bench.send("/v1/jobs/theirs", method: .DELETE, headers: traced).status == 200)
      #expect(try await bench.send("/v1/jobs/over", method: .DELETE, headers: header).status == 409)
      #expect(try await bench.send("/v1/jobs/none", method: .DELETE, headers: header).status == 404)
      #expect(try await bench.send(story, method: .DELETE, headers: header).status == 200)
      let rows = try await bench.ledger.ledger().auditTrail(limit: 10)
      #expect(rows.map(\.target) == ["\(id).video \(id).s1.speech \(id).s1.image", "over", "theirs"])
      #expect(rows.allSatisfy { $0.act == "job.cancel" && $0.by == "key:\(admin.id)" && $0.surface == "api" })
      #expect(rows.map { $0.outcome?.done } == [3, 0, 1] && rows.map { $0.outcome?.kept } == [0, 1, 0])
      #expect(rows[2].requestID == "r-9")
    }
  }

  @Test func `a job that runs on is kept without an outcome`() async throws {
    try await GatewayBench.with { bench in
      _ = try await bench.submit(echo("slow"))
      _ = try await bench.start(try echoJob("slow"))
      #expect(try await bench.send("/v1/jobs/slow", method: .DELETE).status == 202)
      let rows = try await bench.ledger.ledger().auditTrail(limit: 10)
      #expect(rows.map(\.target) == ["slow"] && rows[0].by == "local" && rows[0].outcome == nil)
    }
  }

  @Test func `without the ledger it is cancelled all the same, and the log says that it is not kept`() async throws {
    let closed = LedgerAccess { () throws(LedgerError) in throw LedgerError(.unexpected, "closed for the test") }
    try await GatewayBench.with(ledger: closed) { bench in
      _ = try await bench.submit(echo("job"))
      #expect(try await bench.send("/v1/jobs/job", method: .DELETE).json["status"]?.string == "cancelled")
      #expect(bench.log.count(.warning, "what is cancelled is not kept in the audit") == 1)
    }
  }

  @Test func `a ledger that hangs keeps nobody from cancelling`() async throws {
    let directory = try TestDirectory("ledger")
    let ledger = try Ledger(path: directory.file("ledger.db").path)
    try await GatewayBench.with(ledger: LedgerAccess { () throws(LedgerError) in ledger }) { bench in
      _ = try await bench.submit(echo("job"))
      try await HeldLedger.with(ledger) {
        let answer = try await bench.send("/v1/jobs/job", method: .DELETE)
        #expect(try answer.json["status"]?.string == "cancelled")
        #expect(bench.log.count(.warning, "what is cancelled is not kept in the audit") == 1)
      }
    }
  }

  @Test func `a ledger that hangs keeps nobody waiting, and has the outcome when it answers`() async throws {
    let directory = try TestDirectory("ledger")
    let ledger = try Ledger(path: directory.file("ledger.db").path)
    try await GatewayBench.with(ledger: LedgerAccess { () throws(LedgerError) in ledger }) { bench in
      _ = try await bench.submit(echo("slow"))
      _ = try await bench.start(try echoJob("slow"))
      let asking = Task { try await bench.send("/v1/jobs/slow", method: .DELETE) }
      try await waitUntil("the act is kept") { try await ledger.auditTrail(limit: 1).count == 1 }
      try await HeldLedger.with(ledger) {
        try await stop(try echoJob("slow"), at: bench)
        let answer = try await asking.value
        #expect(try answer.json["status"]?.string == "cancelled")
        #expect(bench.log.count(.warning, "the outcome of an act is kept late or not at all") == 1)
        #expect(try await ledger.auditTrail(limit: 1)[0].outcome == nil)
      }
      try await waitUntil("the outcome is kept") {
        try await ledger.auditTrail(limit: 1)[0].outcome == Intervention.Outcome(done: 1, kept: 0)
      }
    }
  }

  @Test func `what has succeeded of a story stays, and a story that is told cannot be cancelled`() async throws {
    try await GatewayBench.with { bench in
      let story = try await bench.tell(1)
      let jobs = try await bench.jobs(in: .low, 3)
      let speech = try #require(jobs.first { $0.taskType == .tts })
      _ = try await bench.start(speech, limit: 100)
      try await bench.finish(speech, output: nil)
      let answer = try await bench.send(story, method: .DELETE).json
      #expect(answer["scenes"]?.elements.first?["speech"]?["status"]?.string == "succeeded")
      #expect(answer["scenes"]?.elements.first?["image"]?["status"]?.string == "cancelled")
      let told = try await bench.tell(1)
      for job in try await bench.jobs(in: .low, 3) { try await bench.finish(job, output: nil, isStarted: false) }
      let late = try await bench.send(told, method: .DELETE)
      #expect(try late.status == 409 && late.problem == "already-ended")
    }
  }
}
