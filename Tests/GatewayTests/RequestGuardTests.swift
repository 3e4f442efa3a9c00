import Contracts
import Foundation
import Gateway
import Synchronization
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5)))
struct RequestGuardTests {
  private static let limit: Duration = .seconds(3)

  private func head(_ length: Int) -> String {
    "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(length)\r\n\r\n"
  }

  private let asking = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

  private func statuses(_ heard: String) -> [String] {
    heard.components(separatedBy: "HTTP/1.1 ").dropFirst().map { String($0.prefix(3)) }
  }

  @Test func `the second request of a connection has as little time for its body as the first`() async throws {
    try await GatewayBench.with(adjust: { $0.readLimit = Self.limit }) { bench in
      let heard = try await RawConnection.talk(
        port: bench.port, asking, within: .seconds(120), rest: head(100) + "{")
      #expect(statuses(heard) == ["200", "408"] && heard.contains("urn:tollway:problem:timeout"))
    }
  }

  @Test func `a sender that waits to be told sends its body then`() async throws {
    try await GatewayBench.with { bench in
      let body = echo("asked-first")
      let head =
        "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\n"
        + "Content-Length: \(body.utf8.count)\r\n\r\n"
      let heard = try await RawConnection.talk(port: bench.port, head, within: .seconds(60), rest: body)
      #expect(statuses(heard) == ["100", "202"])
      #expect(try await bench.take(from: .low)?.id == "asked-first")
    }
  }

  @Test func `a head that comes together with the end before it has all of its time`() async throws {
    try await GatewayBench.with(adjust: { $0.readLimit = Self.limit }) { bench in
      let body = echo("first")
      let half = body.index(body.startIndex, offsetBy: 20)
      let sent = Mutex<ContinuousClock.Instant?>(nil)
      let heard = try await RawConnection.talk(
        port: bench.port, asking + head(body.utf8.count) + body[..<half], within: .seconds(120),
        pause: {
          let begin = ContinuousClock.now
          try await waitUntil("half of the time is over") { ContinuousClock.now - begin >= Self.limit / 2 }
          sent.withLock { $0 = .now }
        }, rest: body[half...] + head(100) + "{")
      let taken = try ContinuousClock.now - #require(sent.withLock { $0 })
      #expect(statuses(heard) == ["200", "202", "408"])
      #expect(taken >= Self.limit, "\(taken)")
      #expect(try await bench.take(from: .low)?.id == "first")
    }
  }
}
