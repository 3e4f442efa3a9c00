import Contracts
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(5)))
struct ArtifactPageTests {
  private static let bytes = Array((0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
  private static let sha256 = String(repeating: "ab", count: 32)

  private static func entry(_ path: String, _ type: String = "audio/wav", bytes: Int = bytes.count) -> String {
    #"{"path":"\#(path)","mediaType":"\#(type)","bytes":\#(bytes),"sha256":"\#(sha256)"}"#
  }

  /// A gateway with jobs that have ended with these outputs, and files of that content by these names.
  private func with(
    outputs: [String: String], files: [String] = ["one.wav"],
    _ body: (GatewayBench, TestDirectory) async throws -> Void
  ) async throws {
    let directory = try TestDirectory("artifacts")
    for file in files { try Data(Self.bytes).write(to: directory.file(file)) }
    try await GatewayBench.with(adjust: { $0.artifacts = directory.url.path }) { bench in
      for (job, output) in outputs {
        let job = try echoJob(job)
        _ = try await bench.start(job, limit: 99)
        try await bench.finish(job, output: output)
      }
      try await body(bench, directory)
    }
  }

  @Test func `a file comes whole, as what it is, and need not come twice`() async throws {
    try await with(outputs: ["job": #"{"artifact":\#(Self.entry("/elsewhere/artifacts/one.wav"))}"#]) { bench, _ in
      let answer = try await bench.download("/v1/jobs/job/artifact")
      #expect(answer.status == 200 && answer.bytes == Self.bytes)
      #expect(answer.field("content-type") == "audio/wav" && answer.field("content-length") == "700000")
      #expect(answer.field("content-disposition") == #"inline; filename="job.wav""#)
      #expect(answer.field("accept-ranges") == "bytes" && answer.field("x-content-type-options") == "nosniff")
      #expect(answer.field("cache-control") == "private, no-cache")
      let tag = try #require(answer.field("etag"))
      #expect(tag == "\"\(Self.sha256)\"")
      for known in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
        let again = try await bench.download("/v1/jobs/job/artifact", headers: ["If-None-Match": known])
        #expect(again.status == 304 && again.bytes.isEmpty && again.field("etag") == tag)
      }
      #expect(try await bench.download("/v1/jobs/job/artifact", headers: ["If-None-Match": "\"x\""]).status == 200)
      let head = try await bench.send("/v1/jobs/job/artifact", method: .HEAD)
      #expect(head.status == 200 && head.field("content-length") == "700000" && head.text.isEmpty)
    }
  }

  @Test func `a range of a file comes, for the version that is meant`() async throws {
    try await with(outputs: ["job": #"{"artifact":\#(Self.entry("one.wav"))}"#]) { bench, _ in
      for (range, expected, field) in [
        ("bytes=0-0", 0..<1, "bytes 0-0/700000"), ("bytes=699990-", 699_990..<700_000, "bytes 699990-699999/700000"),
        ("bytes=-5", 699_995..<700_000, "bytes 699995-699999/700000"),
        ("bytes=100000-599999", 100_000..<600_000, "bytes 100000-599999/700000"),
      ] {
        let answer = try await bench.download("/v1/jobs/job/artifact", headers: ["Range": range])
        #expect(answer.status == 206 && answer.bytes == Array(Self.bytes[expected]), "\(range)")
        #expect(answer.field("content-range") == field)
      }
      let behind = try await bench.send("/v1/jobs/job/artifact", headers: ["Range": "bytes=700000-"])
      #expect(try behind.status == 416 && behind.problem == "range-not-satisfiable")
      #expect(behind.field("content-range") == "bytes */700000")
      let same = try await bench.download(
        "/v1/jobs/job/artifact", headers: ["Range": "bytes=0-9", "If-Range": "\"\(Self.sha256)\""])
      #expect(same.status == 206)
      for other in ["\"other\"", "W/\"\(Self.sha256)\"", "Sun, 22 Nov 2026 08:00:00 GMT"] {
        let whole = try await bench.download(
          "/v1/jobs/job/artifact", headers: ["Range": "bytes=0-9", "If-Range": other])
        #expect(whole.status == 200 && whole.bytes.count == Self.bytes.count, "\(other)")
      }
      let several = try await bench.download("/v1/jobs/job/artifact", headers: ["Range": "bytes=0-1,5-6"])
      #expect(several.status == 200)
    }
  }

  @Test func `the files of a job are numbered`() async throws {
    let output = #"{"artifacts":[\#(Self.entry("one.wav")),\#(Self.entry("two.html", "text/html"))]}"#
    let single = #"{"artifact":\#(Self.entry("one.wav"))}"#
    try await with(outputs: ["job": output, "single": single], files: ["one.wav", "two.html"]) { bench, _ in
      for (job, count) in [("job", "2 files"), ("single", "1 file")] {
        let answer = try await bench.send("/v1/jobs/\(job)/artifact?n=3")
        #expect(try answer.status == 404 && answer.json["detail"]?.string == "the job produced \(count)")
      }
      #expect(try await bench.download("/v1/jobs/job/artifact?n=1").field("content-type") == "audio/wav")
      let second = try await bench.download("/v1/jobs/job/artifact?n=2")
      #expect(second.status == 200 && second.field("content-type") == "application/octet-stream")
      #expect(second.field("content-disposition") == #"attachment; filename="job-2.html""#)
      for n in ["0", "-1", "x", ""] { #expect(try await bench.send("/v1/jobs/job/artifact?n=\(n)").status == 400) }
    }
  }

  @Test func `nothing but a plain file of the directory is shown`() async throws {
    func named(_ path: String) -> String { #"{"artifact":\#(Self.entry(path))}"# }
    let outputs = [
      "passwd": named("../../etc/passwd"), "link": named("link.wav"), "folder": named("folder"), "up": named(".."),
      "gone": named("gone.wav"), "short": #"{"artifact":\#(Self.entry("one.wav", bytes: 5))}"#,
      "header": #"{"artifact":\#(Self.entry("one.wav", "a\\r\\nX-Evil: 1"))}"#, "words": #"{"text":"hello"}"#,
    ]
    try await with(outputs: outputs) { bench, directory in
      try FileManager.default.createSymbolicLink(
        at: directory.file("link.wav"), withDestinationURL: directory.file("one.wav"))
      try FileManager.default.createDirectory(at: directory.file("folder"), withIntermediateDirectories: false)
      for job in outputs.keys {
        let answer = try await bench.send("/v1/jobs/\(job)/artifact")
        #expect(try answer.status == 404 && answer.problem == "not-found", "\(job)")
      }
      _ = try await bench.submit(echo("queued"))
      let queued = try await bench.send("/v1/jobs/queued/artifact")
      #expect(try queued.status == 404 && queued.json["detail"]?.string == "the job has not ended yet")
    }
  }

  @Test func `a client that takes nothing of its answer is cut off`() async throws {
    let size = 256 << 20  // more than any socket holds
    let directory = try TestDirectory("artifacts")
    let file = directory.file("long.wav")
    try Data().write(to: file)
    try FileHandle(forWritingTo: file).truncate(atOffset: UInt64(size))
    try await GatewayBench.with(adjust: {
      $0.artifacts = directory.url.path
      $0.writeLimit = .milliseconds(500)
    }) { bench in
      let job = try echoJob("job")
      _ = try await bench.start(job)
      try await bench.finish(job, output: #"{"artifact":\#(Self.entry("long.wav", bytes: size))}"#)
      let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .channelOption(.autoRead, value: false).connect(host: "127.0.0.1", port: bench.port).get()
      try await client.writeAndFlush(
        ByteBuffer(string: "GET /v1/jobs/job/artifact HTTP/1.1\r\nHost: localhost\r\n\r\n"))
      try await waitUntil("it is cut off") { bench.log.count(.info, "is cut off") == 1 }
      client.close(promise: nil)
    }
  }

  @Test(
    arguments: [
      (nil, .whole), ("bytes=0-9", .part(0..<10)), ("bytes=90-", .part(90..<100)), ("bytes=90-200", .part(90..<100)),
      ("Bytes=0-0", .part(0..<1)), ("bytes= 1-2 ", .part(1..<3)), ("bytes=-1", .part(99..<100)),
      ("bytes=-500", .part(0..<100)), ("bytes=-0", .unsatisfiable), ("bytes=100-", .unsatisfiable),
      ("bytes=99999999999999999999-", .unsatisfiable), ("bytes=0-99999999999999999999", .part(0..<100)),
      ("bytes=5-4", .whole), ("bytes=-", .whole), ("bytes=", .whole), ("bytes=a-b", .whole), ("bytes=0-1,2-3", .whole),
      ("items=0-1", .whole), ("", .whole),
    ] as [(String?, ByteRange)])
  func `a range is one that is understood, or the whole`(_ field: String?, _ expected: ByteRange) {
    #expect(ByteRange(field, of: 100) == expected)
  }

  @Test func `a file without bytes has no range`() {
    #expect(ByteRange("bytes=0-", of: 0) == .unsatisfiable && ByteRange("bytes=-1", of: 0) == .unsatisfiable)
    #expect(ByteRange(nil, of: 0) == .whole)
  }
}
