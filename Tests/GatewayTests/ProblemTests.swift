import Contracts
import Foundation
import Gateway
import Logging
import NIOHTTP1
import Observability
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ProblemTests {
  @Test func `every path and method has an answer of its own form`() async throws {
    try await GatewayBench.with { bench in
      let unknown = try await bench.send("/v1/nothing?secret=1")
      #expect(try unknown.status == 404 && unknown.problem == "not-found")
      #expect(try unknown.json["status"]?.integer == 404 && unknown.json["title"]?.string != nil)
      let wrong = try await bench.send("/v1/jobs", method: .PUT, "{}")
      #expect(try wrong.status == 405 && wrong.problem == "method-not-allowed")
      #expect(wrong.field("allow") == "POST")
      #expect(try await bench.send("/healthz", method: .DELETE).field("allow") == "GET, HEAD")
      #expect(try await bench.send("/healthz", method: .HEAD).status == 200)
      try await waitUntil("the broker is connected") {
        try await bench.send("/readyz").status == 200
      }
      #expect(!unknown.text.contains("secret"))
    }
  }

  @Test func `answers carry the request's id and say how they may be used`() async throws {
    try await GatewayBench.with { bench in
      let named = try await bench.send("/nothing", headers: ["X-Request-Id": "trace-7"])
      #expect(named.field("x-request-id") == "trace-7")
      #expect(try named.json["instance"]?.string == "trace-7")
      for given in ["a b", "http://x", String(repeating: "x", count: 65)] {
        let answer = try await bench.send("/healthz", headers: ["X-Request-Id": given])
        #expect(answer.field("x-request-id").map { $0 != given && !$0.isEmpty } == true)
      }
      #expect(named.field("content-security-policy")?.contains("default-src 'none'") == true)
      #expect(named.field("x-content-type-options") == "nosniff")
      #expect(named.field("cache-control") == "no-store")
      #expect(named.field("server") == nil)
    }
  }

  @Test func `a request is in the log and in the metrics without its query and its body`() async throws {
    try await GatewayBench.with { bench in
      _ = try await bench.send("/v1/jobs?token=hidden", method: .POST, echo("logged"))
      _ = try await bench.send("/secret-path")
      try await waitUntil("both are logged") { bench.log.count(.info, "request") >= 2 }
      #expect(bench.log.count(.info, "/v1/jobs") == 1)
      #expect(bench.log.lines.allSatisfy { !$0.text.contains("hidden") && !$0.text.contains("secret-path") })
      let metrics = bench.registry.text()
      #expect(metrics.contains(#"tollway_http_requests_total{route="/v1/jobs",status="202"} 1"#))
      #expect(metrics.contains(#"tollway_http_requests_total{route="other",status="404"} 1"#))
      #expect(metrics.contains(#"tollway_http_seconds_count{route="/v1/jobs"} 1"#))
      #expect(try await bench.send("/metrics").text.contains("tollway_http_requests_total"))
    }
  }

  @Test func `what is no HTTP, too large or too slow is told so, and the connection ends`() async throws {
    try await GatewayBench.with(adjust: { configuration in
      configuration.readLimit = .seconds(3)
      configuration.idleLimit = .seconds(5)
    }) { bench in
      func talk(_ text: String) async throws -> String {
        try await RawConnection.talk(port: bench.port, text, within: .seconds(120))
      }
      let garbage = try await talk("HELO gateway\r\n\r\n")
      #expect(garbage.hasPrefix("HTTP/1.1 400 ") && garbage.contains("urn:tollway:problem:bad-request"))
      let field = "X-Large: \(String(repeating: "x", count: 20_000))"
      let large = try await talk("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\(field)\r\n\r\n")
      #expect(large.hasPrefix("HTTP/1.1 431 ") && large.contains("urn:tollway:problem:headers-too-large"))
      let head = "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
      let slow = try await talk(head)
      #expect(slow.hasPrefix("HTTP/1.1 408 ") && slow.contains("urn:tollway:problem:timeout"))
      #expect(try await talk("GET /healthz HTTP/1.1\r\nHost: loc") == "")
      let unread = try await talk("POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n{")
      #expect(unread.hasPrefix("HTTP/1.1 413 ") && unread.components(separatedBy: "HTTP/1.1").count == 2)
      #expect(try await bench.send("/healthz").status == 200)
    }
  }
}
