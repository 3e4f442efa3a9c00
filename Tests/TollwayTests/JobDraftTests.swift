import Contracts
import Testing

@testable import tollway

struct JobDraftTests {
  private func draft(_ task: TaskType, text: String = "Once \"upon\"\na time") -> JobDraft {
    JobDraft(
      id: "job-1", user: "ana", task: task.rawValue, payload: JobDraft.payload(of: text, task: task), tier: "tier2")
  }

  @Test(arguments: TaskType.allCases)
  func `a text becomes a payload that the fleet accepts`(task: TaskType) throws {
    let body = try draft(task).encoded()
    guard case .job(let job) = JobMessage.decode(body, messageID: nil) else {
      Issue.record("refused")
      return
    }
    #expect(job.id == "job-1" && job.userID == "ana" && job.taskType == task && job.claimedTier == "tier2")
    #expect(job.payload.members.map(\.value.string) == ["Once \"upon\"\na time"])
  }

  @Test func `the same description gives the same bytes, so that submitting again is the same job`() throws {
    #expect(try draft(.tts).encoded() == draft(.tts).encoded())
  }

  @Test func `everything that was given stands in the message, and nothing else`() throws {
    var full = draft(.echo, text: "x")
    (full.series, full.model, full.maximumCost) = ("s", "m", "0.5")
    (full.notBefore, full.deadline) = ("2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z")
    let root = try JSONParser.parse(try full.encoded()).root
    #expect(
      root.members.map(\.key) == [
        "id", "userId", "taskType", "userTier", "seriesId", "model", "notBefore", "deadline", "maxCostUsd", "payload",
      ])
    #expect(try JSONParser.parse(try draft(.echo).encoded()).root.members.count == 5)
  }

  @Test(arguments: ["[]", "{bad", "7", "", #"{"a":1},"userTier":"tier4""#])
  func `a payload that is no JSON object is wrong usage`(payload: String) {
    var wrong = draft(.echo)
    wrong.payload = Array(payload.utf8)
    #expect(throws: (any Error).self) { try wrong.encoded() }
  }

  @Test func `a job that a worker would refuse is not published`() {
    var wrong = draft(.tts)
    wrong.payload = Array("{}".utf8)
    #expect(throws: (any Error).self) { try wrong.encoded() }
    wrong = draft(.tts)
    wrong.deadline = "tomorrow"
    #expect(throws: (any Error).self) { try wrong.encoded() }
    wrong = draft(.tts, text: String(repeating: "a", count: JobMessage.maximumBytes))
    #expect(throws: (any Error).self) { try wrong.encoded() }
  }

  @Test func `new ids are valid, different and sorted by time`() {
    let early = JobID.fresh(at: Timestamp(milliseconds: 1_700_000_000_000))
    let late = JobID.fresh(at: Timestamp(milliseconds: 1_700_000_000_001))
    #expect(early.count == 26 && Identifier.isValid(early) && early < late)
    #expect(early.prefix(10) == "01HF7YAT00")
    let many = (0..<1000).map { _ in JobID.fresh(at: Timestamp(milliseconds: 5)) }
    #expect(Set(many).count == 1000)
  }
}
