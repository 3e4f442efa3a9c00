import Admission
import Billing
import Contracts
import Foundation
import Gateway
import NIOHTTP1
import Operations
import Synchronization
import TestKit
import Testing

/// Every route of administrators, whichever there are.
@Suite(.timeLimit(.minutes(5)))
struct AdminGuardTests {
  @Test func `nothing is changed without an admin key for everybody, nothing is read without a read key`() async throws
  {
    try await GatewayBench.with { bench in
      try await bench.letter("ana", .providerFailed)
      let (_, admin) = try await bench.key([.admin])
      let (_, reader) = try await bench.key([.read])
      let (_, sender) = try await bench.key([.submit])
      let (_, studio) = try await bench.key([.admin], "studio-*")
      try await waitUntil("keys are asked for") { try await bench.send("/v1/lanes").status == 401 }
      #expect(AdminRequest.changes.count == 7 && AdminRequest.readings.count == 10)
      for request in AdminRequest.changes {
        for (key, status) in [([:], 401), (reader, 403), (sender, 403), (studio, 403)] {
          let answer = try await bench.send(request.path, method: request.method, request.body, headers: key)
          #expect(answer.status == status, "\(request.method) \(request.path)")
        }
      }
      #expect(try await bench.changes().isEmpty)
      #expect(try await bench.desk.breakers().1.isEmpty)
      #expect(try await bench.desk.freeze().id == nil)
      for request in AdminRequest.readings {
        for (key, status) in [([:], 401), (sender, 403), (studio, 403), (reader, 200), (admin, 200)] {
          let answer = try await bench.send(request.path, headers: key)
          // There is no such blocked job.
          let expected = status == 200 && request.path == "/v1/admin/blocked/ana" ? 404 : status
          #expect(answer.status == expected, "\(request.path)")
        }
      }
      #expect(try await bench.post("/v1/admin/providers/echo/hold", #"{"reason":"x"}"#, headers: admin).status == 200)
      let held = try await bench.ledger.ledger().auditTrail(limit: 1)
      #expect(held[0].by.hasPrefix("key:"))
    }
  }

  @Test func `a change says why, and nothing that is not known`() async throws {
    try await GatewayBench.with { bench in
      let long = String(repeating: "x", count: 513)
      for request in AdminRequest.changes {
        let members = request.members.isEmpty ? "" : request.members + ","
        for tail in [
          #""reason":"""#, #""reason":"  ""#, #""reason":7"#, #""reason":"\#(long)""#, #""reason":"x","also":1"#,
        ] {
          let answer = try await bench.send(request.path, method: request.method, "{\(members)\(tail)}")
          #expect(try answer.status == 422 && answer.problem == "invalid-message", "\(request.path) \(tail.prefix(20))")
        }
        let bare = try await bench.send(request.path, method: request.method)
        #expect(try bare.status == 422 && bare.json["member"]?.string == "reason", "\(request.path)")
        let body = try #require(request.body)
        let headers = ["Content-Type": "text/plain"]
        #expect(try await bench.send(request.path, method: request.method, body, headers: headers).status == 415)
        let foreign = ["Origin": "https://elsewhere.example"]
        #expect(try await bench.send(request.path, method: request.method, body, headers: foreign).status == 403)
      }
      let refused = [
        ("/v1/admin/users/ana", #"{"reason":"x"}"#), ("/v1/admin/users/ana", #"{"tier":"NONE","reason":"x"}"#),
        ("/v1/admin/users/ana", #"{"overrides":{"concurency":1},"reason":"x"}"#),
        ("/v1/admin/users/ana", #"{"overrides":{"concurrency":0},"reason":"x"}"#),
        ("/v1/admin/users/ana", #"{"overrides":{"quotas":{"token":1}},"reason":"x"}"#),
        ("/v1/admin/freeze", #"{"state":"maybe","reason":"x"}"#),
      ]
      for (path, body) in refused { #expect(try await bench.put(path, body).status == 422, "\(body)") }
      for ids in ["[]", #"["a b"]"#, "[1]", #""a""#] {
        let answer = try await bench.post("/v1/admin/dead/replay", #"{"ids":\#(ids),"reason":"x"}"#)
        #expect(answer.status == 422, "\(ids)")
      }
      #expect(try await bench.changes().isEmpty)
    }
  }

  @Test func `without the ledger nothing is done, and the rest goes on`() async throws {
    let directory = try TestDirectory("ledger")
    let path = directory.file("ledger.db").path
    let access = LedgerAccess { () throws(LedgerError) in try Ledger(url: "sqlite://\(path)", opening: .existing) }
    try await GatewayBench.with(ledger: access) { bench in
      try await bench.letter("ana", .providerFailed)
      for request in AdminRequest.all where request.method != .GET || !request.path.contains(/dead|blocked/) {
        let answer = try await bench.send(request.path, method: request.method, request.body)
        #expect(try answer.status == 503 && answer.problem == "unavailable", "\(request.method) \(request.path)")
        #expect(
          try answer.json["detail"]?.string?.contains("tollway ledger init") == true && !answer.text.contains(path))
      }
      #expect(!FileManager.default.fileExists(atPath: path))
      #expect(try await bench.send("/v1/admin/dead/ana").status == 200)
      #expect(try await bench.take(from: .low) == nil)
      #expect(try await bench.submit(echo("job")).status == 202)
      try await Ledger(path: path).reach()
      #expect(try await bench.send("/v1/admin/freeze").json["state"]?.string == "off")
    }
  }
}
