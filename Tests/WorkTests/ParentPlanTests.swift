import Admission
import Catalog
import Contracts
import Testing

@testable import Work

/// What the standing of the jobs that a job waits for makes of it.
@Suite struct ParentPlanTests {
  @Test func `outputs become inputs of the payload, in their order`() throws {
    let job = try TestRuns.job(task: .echo, payload: #"{"a":1}"#)
    let given = try job.given([
      ParentOutput(id: "x", taskType: "llm", output: Array(#"{"text":"hi"}"#.utf8)),
      ParentOutput(id: "y", taskType: "echo", output: nil),
    ])
    #expect(
      String(decoding: given.payload.raw, as: UTF8.self)
        == #"{"a":1,"inputs":[{"id":"x","taskType":"llm","output":{"text":"hi"}},"#
        + #"{"id":"y","taskType":"echo","output":null}]}"#)
    #expect(given.digest == job.digest)
    let again = try given.given([])
    #expect(String(decoding: again.payload.raw, as: UTF8.self) == #"{"a":1,"inputs":[]}"#)
  }

  @Test func `inputs that are nested too deeply or have too many values are refused`() throws {
    let job = try TestRuns.job(task: .echo, payload: "{}")
    let deep = String(repeating: "[", count: 30) + String(repeating: "]", count: 30)
    let wide = "[" + String(repeating: "1,", count: JSONParser.maximumValues) + "1]"
    for output in [deep, wide] {
      #expect(throws: JSONFault.self) {
        try job.given([ParentOutput(id: "x", taskType: "echo", output: Array(output.utf8))])
      }
    }
  }
}
