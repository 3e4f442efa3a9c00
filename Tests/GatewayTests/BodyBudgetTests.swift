import Contracts
import HummingbirdCore
import NIOCore
import NIOHTTP1
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(5)))
struct BodyBudgetTests {
  private func body(_ bytes: Int) -> String {
    #"{"userId":"ana","taskType":"echo","payload":{"text":"\#(String(repeating: "x", count: bytes))"}}"#
  }

  /// Sends a part of a body and then nothing, until the group is cancelled.
  private func begin(_ bench: GatewayBench, bytes: Int, in group: inout ThrowingTaskGroup<Void, any Error>) {
    let head = "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(bytes + 1)\r\n\r\n"
    let part = head + String(repeating: " ", count: bytes)
    group.addTask {
      do {
        _ = try await RawConnection.talk(port: bench.port, part, within: .seconds(200))
      } catch is CancellationError {}
    }
  }

  @Test func `bodies that do not end take a part of the memory, and the others get theirs back`() async throws {
    try await GatewayBench.with(adjust: {
      $0.bodyBytes = 1_000_000
      $0.readLimit = .seconds(120)
    }) { bench in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<3 { begin(bench, bytes: 300_000, in: &group) }
        try await waitUntil("the bodies are there") { bench.bodyBytes == 900_000 }
        let refused = try await bench.submit(body(200_000))
        #expect(try refused.status == 503 && refused.problem == "unavailable" && refused.field("retry-after") == "1")
        #expect(try await bench.submit(body(10)).status == 202)
        group.cancelAll()
        try await group.waitForAll()
      }
      try await waitUntil("nothing is held") { bench.bodyBytes == 0 }
      #expect(try await bench.submit(body(200_000)).status == 202)
      try await waitUntil("nothing is held") { bench.bodyBytes == 0 }
    }
  }

  @Test func `a key has a quarter, and so have all who are not known`() async throws {
    try await GatewayBench.with(adjust: { $0.bodyBytes = 400_000 }) { bench in
      #expect(try await bench.submit(body(200_000)).status == 202, "the local operator has all")
      let (_, first) = try await bench.key([.submit])
      let (_, second) = try await bench.key([.submit])
      try await waitUntil("a key is asked for") { try await bench.submit(body(10)).status == 401 }
      for key in [first, second] {
        #expect(try await bench.submit(body(99_000), headers: key).status == 202)
        #expect(try await bench.submit(body(101_000), headers: key).status == 503)
      }
      let form = ["Content-Type": "application/x-www-form-urlencoded"]
      let long = "key=" + String(repeating: "x", count: 101_000)
      #expect(try await bench.send("/console/sign-in", method: .POST, long, headers: form).status == 503)
      try await waitUntil("nothing is held") { bench.bodyBytes == 0 }
    }
  }

  /// Bytes that count while a request has its body, and when it is gone.
  private func counted(_ bytes: Int, length: Int?) async throws -> (held: Int, after: Int) {
    let budget = BodyBudget(limit: 1 << 20)
    let held = try await Self.read(bytes, length: length, budget)
    return (held, budget.used)
  }

  private static func read(_ bytes: Int, length: Int?, _ budget: BodyBudget) async throws -> Int {
    let share = budget.share()
    let body = share.counted(RequestBody(buffer: ByteBuffer(repeating: 0x20, count: bytes)), length: length)
    #expect(try await body.collect(upTo: bytes).readableBytes == bytes)
    return withExtendedLifetime(share) { budget.used }
  }

  @Test func `a body of more than 4 KiB counts, and one that does not say its length`() async throws {
    #expect(try await counted(4096, length: 4096) == (0, 0))
    #expect(try await counted(4097, length: 4097) == (4097, 0))
    #expect(try await counted(1, length: nil) == (1, 0))
  }
}
