import Contracts
import Testing

@testable import Providers

@Suite struct EmbeddingBatchTests {
  @Test(arguments: [
    (total: 10, weights: [1, 1, 1], shares: [4, 3, 3]), (total: 0, weights: [5, 1], shares: [0, 0]),
    (total: 7, weights: [6, 1], shares: [6, 1]), (total: 1, weights: [1, 3], shares: [0, 1]),
  ])
  func `shares add up to the total and the largest remainder is served first`(
    total: Int, weights: [Int], shares: [Int]
  ) {
    #expect(Shares.split(Int64(total), weights) == shares.map { Int64($0) })
  }

  private static func call(_ input: String) throws -> ProviderCall {
    let body = #"{"id":"j","userId":"u","taskType":"embedding","payload":{"input":\#(input)}}"#
    guard case .job(let job) = JobMessage.decode(Array(body.utf8), messageID: nil) else {
      throw ProviderFailure(.local, "the message is no job")
    }
    return ProviderCall(job: job, model: "m", modelVersion: nil, attemptID: "j/r/1", deadline: .now)
  }

  @Test func `inputs stand in one array and each job gets its own part of the answer`() throws {
    let batch = EmbeddingBatch([try Self.call(#""one""#), try Self.call(#"["two","three"]"#)])
    #expect(String(decoding: batch.input, as: UTF8.self) == #"["one","two","three"]"#)
    let parts = batch.parts(of: [Usage(.inputTokens, ExactDecimal(10), .provider)], Money(nanoUSD: 9))
    #expect(parts.map(\.range) == [0..<1, 1..<3])
    // By bytes with their quotes: 5 and 12 of 17.
    #expect(parts.map { $0.usage.first?.quantity } == [ExactDecimal(3), ExactDecimal(7)])
    #expect(parts.map { $0.cost?.nanoUSD } == [3, 6])
  }

  @Test func `a job whose share is nothing is told so`() throws {
    let batch = EmbeddingBatch([try Self.call(#""one""#), try Self.call(#""\#(String(repeating: "a", count: 99))""#)])
    let parts = batch.parts(of: [Usage(.inputTokens, ExactDecimal(2), .provider)], nil)
    #expect(parts.map { $0.usage.map(\.quantity) } == [[ExactDecimal(0)], [ExactDecimal(2)]])
  }
}
