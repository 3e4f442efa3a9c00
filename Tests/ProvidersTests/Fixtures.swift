import Contracts
import Foundation
import Logging
import TestKit

@testable import Providers

/// A job of a task with a payload written as JSON.
func job(_ task: TaskType, _ payload: String) throws -> Job {
  Job(
    id: "job-1", userID: "user-1", taskType: task, claimedTier: nil,
    payload: try JSONParser.parse(Array(payload.utf8)).root, seriesID: nil, model: nil, notBefore: nil, deadline: nil,
    maximumCost: nil, metadata: nil, digest: "0")
}

/// A call of that job; every call has an attempt id of its own.
func call(
  _ task: TaskType, _ payload: String, model: String = "model", attemptID: String? = nil,
  within limit: Duration = .seconds(30)
) throws -> ProviderCall {
  ProviderCall(
    job: try job(task, payload), model: model, modelVersion: nil,
    attemptID: attemptID ?? "job-\(UInt32.random(in: 0 ... .max))/run/1", deadline: .now + limit)
}

/// An answer that was not of the kind a test needs.
struct UnexpectedAnswer: Error {
  let answer: ProviderAnswer
}

extension ProviderAnswer {
  func reply() throws -> ProviderReply {
    guard case .success(let reply) = self else { throw UnexpectedAnswer(answer: self) }
    return reply
  }

  func failure() throws -> ProviderFailure {
    guard case .failure(let failure) = self else { throw UnexpectedAnswer(answer: self) }
    return failure
  }
}

extension ProviderReply {
  var text: String { String(decoding: output, as: UTF8.self) }

  func document() throws -> JSONValue { try JSONParser.parse(output).root }

  /// The bytes of the artifact that the output names.
  func artifactBytes() throws -> [UInt8] {
    let path = try document()["artifact"]?["path"]?.string ?? ""
    return try Array(Data(contentsOf: URL(filePath: path)))
  }

  func quantity(_ unit: Usage.Unit) -> String? { usage.first { $0.unit == unit }?.quantity.description }
}

/// A WAV header as streaming writers leave it, or a true one, and its samples.
func wav(
  rate: Int = 22_050, samples: [Int16], declared: UInt32? = nil, channels: Int = 1, bits: Int = 16,
  before: [UInt8] = []
) -> [UInt8] {
  func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  let data = samples.flatMap { little(Int($0), 2) }
  let frame = channels * bits / 8
  let format =
    little(1, 2) + little(channels, 2) + little(rate, 4) + little(rate * frame, 4) + little(frame, 2)
    + little(bits, 2)
  let length = declared.map(Int.init) ?? data.count
  let body =
    Array("WAVE".utf8) + Array("fmt ".utf8) + little(16, 4) + format + before + Array("data".utf8)
    + little(length, 4) + data
  return Array("RIFF".utf8) + little(declared == nil ? body.count : length, 4) + body
}

let silentLogger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }

/// For all tests of this process. A client must not be released before it was shut down, as a failing test would do.
let testHTTP = ProviderHTTP(connections: 256)
