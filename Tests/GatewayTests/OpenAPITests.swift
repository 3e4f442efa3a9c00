import Contracts
import Foundation
import Gateway
import HTTPTypes
import Observability
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5)))
struct OpenAPITests {
  private static func document() throws -> JSONValue {
    let file = TestDirectory.packageRoot.appending(path: "Sources/Gateway/Defaults/openapi.json")
    return try JSONParser.parse([UInt8](try Data(contentsOf: file))).root
  }

  @Test func `the document describes every door and nothing else`() throws {
    let paths = try Self.document()["paths"]?.members ?? []
    let described = paths.flatMap { path in
      path.value.members.filter { $0.key != "parameters" }.map { "\($0.key.uppercased()) \(path.key)" }
    }
    #expect(Set(described) == Set(GatewayRoute.allCases.map { "\($0.method.rawValue) \($0.path)" }))
  }

  @Test func `its problems are those that are answered, each under its status`() throws {
    let document = try Self.document()
    let codes = Problem.Code.allCases
    let responses = document["components"]?["responses"]?.members ?? []
    #expect(Set(responses.map(\.key)) == Set(codes.map { "\($0.status)" }))
    let types = document["components"]?["schemas"]?["Problem"]?["properties"]?["type"]?["enum"]?.elements ?? []
    #expect(Set(types.compactMap(\.string)) == Set(codes.map { "urn:tollway:problem:\($0.rawValue)" }))
  }

  @Test func `what it refers to is there`() throws {
    let document = try Self.document()
    func walk(_ value: JSONValue) {
      if let reference = value["$ref"]?.string {
        let found = reference.split(separator: "/").dropFirst().reduce(document as JSONValue?) { $0?[String($1)] }
        #expect(reference.hasPrefix("#/") && found != nil, "\(reference)")
      }
      for (_, member) in value.members { walk(member) }
      for element in value.elements { walk(element) }
    }
    walk(document)
  }

  @Test func `each door has a series of its own`() {
    #expect(Set(MetricLabel.route.fixedValues ?? []) == Set(GatewayRoute.allCases.map(\.path) + ["/console"]))
    let statuses = MetricLabel.status.fixedValues ?? []
    #expect(Problem.Code.allCases.allSatisfy { statuses.contains("\($0.status)") })
  }

  @Test func `it is served to everybody`() async throws {
    try await GatewayBench.with { bench in
      _ = try await bench.key([.read])
      let answer = try await bench.send("/openapi.json")
      #expect(try answer.status == 200 && answer.json["openapi"]?.string == "3.1.0")
    }
  }
}
