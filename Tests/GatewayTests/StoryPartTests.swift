import Admission
import Contracts
import Gateway
import NIOHTTP1
import Redis
import TestKit
import Testing

/// What a story says of its parts when their time is over, and when one of them ran again.
@Suite(.timeLimit(.minutes(5)))
struct StoryPartTests {
  private static let files = #"{"artifact":{"path":"a.mp4","mediaType":"video/mp4","bytes":3,"sha256":"00"}}"#

  private func fail(_ job: Job, _ code: EndCode, _ message: String, at bench: GatewayBench) async throws {
    var result = ResultEvent(
      jobID: job.id, userID: job.userID, tier: "FREE", taskType: job.taskType.rawValue, status: .failed, run: "r1",
      finishedAt: Timestamp(milliseconds: 0))
    result.fault = ResultEvent.Fault(code, message)
    _ = try await bench.desk.finish([
      Finish(
        job: job, leaseID: nil, run: "r1", status: .failed, result: result.withoutOutput(), output: nil, attempt: 0,
        costs: [])
    ])
  }

  /// As the hour after its end does.
  private func forgetOutput(of job: String, at bench: GatewayBench) async throws {
    let names = try await bench.redis.command(RedisCommand("KEYS").arg("*output:\(job)")).array ?? []
    #expect(names.count == 1)
    for name in names { _ = try await bench.redis.command(RedisCommand("DEL").arg(name.bytes ?? [])) }
  }

  @Test func `a film is named as long as the story is known`() async throws {
    try await GatewayBench.with { bench in
      let story = try await bench.tell(1)
      let jobs = try await bench.jobs(in: .low, 3)
      for job in jobs { try await bench.finish(job, output: Self.files, isStarted: false) }
      let film = try #require(jobs.first { $0.taskType == .video })
      for path in ["before", "after"] {
        let shown = try await bench.send(story).json
        #expect(shown["status"]?.string == "succeeded")
        #expect(shown["video"]?["artifact"]?.string == "/v1/jobs/\(film.id)/artifact", "\(path) the hour")
        let job = try await bench.send("/v1/jobs/\(film.id)").json
        #expect(job["result"]?["output"]?["artifact"]?["path"]?.string == "a.mp4", "\(path) the hour")
        if path == "before" { try await forgetOutput(of: film.id, at: bench) }
      }
    }
  }

  @Test func `a part without a file names none`() async throws {
    try await GatewayBench.with { bench in
      let story = try await bench.tell(1)
      for job in try await bench.jobs(in: .low, 3) { try await bench.finish(job, output: nil, isStarted: false) }
      let shown = try await bench.send(story).json
      #expect(shown["status"]?.string == "succeeded" && shown["video"]?["artifact"]?.isNull == true)
    }
  }

  @Test func `a story whose scene worked later still says which one failed it`() async throws {
    try await GatewayBench.with { bench in
      let story = try await bench.tell(3)
      let jobs = try await bench.jobs(in: .low, 7)
      let film = try #require(jobs.first { $0.taskType == .video })
      let picture = try #require(jobs.first { $0.id.hasSuffix(".s2.image") })
      for job in jobs where job.id != film.id && job.id != picture.id && !job.id.hasSuffix(".s3.speech") {
        try await bench.finish(job, output: Self.files, isStarted: false)
      }
      try await fail(picture, .providerFailed, "it is down", at: bench)
      try await fail(
        film, .parentFailed, "job \(picture.id), for which it waits, ended failed", at: bench)
      let speech = try #require(jobs.first { $0.id.hasSuffix(".s3.speech") })
      try await fail(speech, .cancelled, "cancelled because job \(film.id), for which it was made, failed", at: bench)
      var shown = try await bench.send(story).json
      #expect(shown["error"]?["scene"]?.integer == 2 && shown["error"]?["code"]?.string == "provider_failed")
      let again = AdmissionRequest(
        job: picture, lane: .low, limit: 9, leaseID: "w.\(picture.id)", runStamp: "r2", intent: [], replays: "r1")
      guard case .admitted = try await bench.desk.admit([again])[0] else {
        Issue.record("not replayed")
        return
      }
      try await bench.finish(picture, output: Self.files, isStarted: true)
      shown = try await bench.send(story).json
      #expect(shown["status"]?.string == "failed")
      #expect(shown["scenes"]?.elements[1]["image"]?["status"]?.string == "succeeded")
      #expect(shown["error"]?["scene"]?.integer == 2 && shown["error"]?["code"]?.string == "parent_failed")
    }
  }
}
