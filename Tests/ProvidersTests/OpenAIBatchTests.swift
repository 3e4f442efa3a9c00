import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

/// Embeddings of several jobs in one call over HTTP.
struct OpenAIBatchTests {
  private func calls(_ inputs: [String], model: String) throws -> [ProviderCall] {
    try inputs.enumerated().map { index, input in
      try call(.embedding, #"{"input":\#(input)}"#, model: model, attemptID: "j\(index + 1)/r/1")
    }
  }

  private func keys(_ fake: FakeOpenAI) throws -> [String?] {
    try fake.log().filter { $0["event"]?.string == "start" }.map { $0["key"]?.string }
  }

  @Test func `after a refused batch each is sent alone, and none under the key of the batch`() async throws {
    let fake = try await FakeOpenAI(.faulty)
    let batch = try calls([#""one""#, #""poison""#, #""three""#], model: "fault-poison,poison")
    let answers = await fake.provider.call(batch)
    _ = try answers[0].reply()
    #expect(try answers[1].failure().kind == .caller)
    _ = try answers[2].reply()
    #expect(try keys(fake) == ["j1/r/1", "j1/r/1/1", "j2/r/1", "j3/r/1"])
    try await fake.end()
  }

  @Test func `a call by itself has the key of its attempt`() async throws {
    let fake = try await FakeOpenAI(.faulty)
    _ = try await fake.provider.call(calls([#""one""#], model: "m"))[0].reply()
    #expect(try keys(fake) == ["j1/r/1"])
    try await fake.end()
  }

  // One vector of the large model has some 30 KB.
  @Test func `vectors that cannot be stored fail their own job only`() async throws {
    let fake = try await FakeOpenAI()
    try Data().write(to: fake.directory.file("artifacts"))
    let answers = await fake.provider.call(
      try calls([#""one""#, #"["two","three","four"]"#, #""five""#], model: "large"))
    #expect(try answers[0].reply().text.hasPrefix(#"{"vectors":[["#))
    let failure = try answers[1].failure()
    #expect(failure.kind == .local && failure.reachedProvider)
    #expect(failure.usage.map { $0.quantity.description } == ["3"])
    _ = try answers[2].reply()
    #expect(try keys(fake) == ["j1/r/1"])
    try await fake.end()
  }
}
