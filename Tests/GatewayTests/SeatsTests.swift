import Contracts
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(5)))
struct SeatsTests {
  private func take(_ seats: Seats, _ key: String?, isConsole: Bool = false) -> Bool {
    do {
      try seats.take(for: Seats.Holder(key: key, isConsole: isConsole))
      return true
    } catch {
      return false
    }
  }

  @Test func `some places are the console's, and a key has no more than its part`() {
    let seats = Seats(limit: 10, console: 2, key: 4)
    #expect((0..<5).map { _ in take(seats, "a") } == [true, true, true, true, false])
    #expect(!take(seats, "a", isConsole: true), "the console's are places of the key, too")
    #expect((0..<5).map { _ in take(seats, "b") } == [true, true, true, true, false])
    #expect(!take(seats, "c") && seats.taken == 8)
    #expect((0..<3).map { _ in take(seats, "c", isConsole: true) } == [true, true, false])
    seats.giveBack(of: Seats.Holder(key: "a", isConsole: false))
    #expect(take(seats, "c") && !take(seats, "a") && seats.taken == 10)
  }

  @Test func `the local operator may have all but the console's`() {
    let seats = Seats(limit: 10, console: 2, key: 4)
    #expect((0..<9).map { _ in take(seats, nil) } == Array(repeating: true, count: 8) + [false])
    #expect(take(seats, nil, isConsole: true))
  }

  @Test func `who watches jobs leaves the console a place`() async throws {
    try await GatewayBench.with(adjust: {
      $0.streams = 2
      $0.consoleStreams = 1
      $0.heartbeat = .milliseconds(200)
    }) { bench in
      _ = try await bench.submit(echo("job"))
      _ = try await bench.follow("/v1/jobs/job/events") { text in
        guard text.contains("event: status") else { return false }
        #expect(try await bench.send("/v1/jobs/job/events").status == 503)
        let console = try await bench.follow("/console/jobs/job/events") { $0.contains("event: changed") }
        #expect(console.status == 200)
        return true
      }
      try await waitUntil("the places are free") { bench.streams == 0 }
    }
  }

  @Test func `a key that has its part waits, another does not`() async throws {
    try await GatewayBench.with(adjust: {
      $0.keyStreams = 1
      $0.heartbeat = .milliseconds(200)
    }) { bench in
      let (_, first) = try await bench.key([.read, .submit])
      let (_, second) = try await bench.key([.read])
      try await waitUntil("keys are asked for") { try await bench.submit(echo()).status == 401 }
      #expect(try await bench.submit(echo("job"), headers: first).status == 202)
      _ = try await bench.follow("/v1/jobs/job/events", headers: first) { text in
        guard text.contains("event: status") else { return false }
        let refused = try await bench.send("/v1/jobs/job/events", headers: first)
        #expect(refused.status == 503 && refused.field("retry-after") == "5")
        let other = try await bench.follow("/v1/jobs/job/events", headers: second) { $0.contains("event: status") }
        #expect(other.status == 200)
        return true
      }
      try await waitUntil("the places are free") { bench.streams == 0 }
    }
  }
}
