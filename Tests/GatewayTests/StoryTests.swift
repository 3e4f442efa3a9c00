import Contracts
import Testing

@testable import Gateway

struct StoryTests {
  private static let time = Timestamp(milliseconds: 1_795_000_000_000)

  private func request(_ text: String) throws -> StoryRequest {
    try StoryRequest(JSONParser.parse(Array(text.utf8)).root)
  }

  private func script(_ count: Int, _ more: String = "") -> String {
    let scenes = (1...count).map { #"{"narration":"Scene \#($0) is told.","imagePrompt":"picture \#($0)"}"# }
    return #"{"script":{"title":"Told","scenes":[\#(scenes.joined(separator: ","))]}\#(more)}"#
  }

  private func plan(_ text: String, key: String? = "k", chunk: Int) throws -> StoryPlan {
    let story = try request(text)
    let id = StoryID(scenes: story.scenes.count, idempotencyKey: key, sender: "key1", at: Self.time)
    return StoryPlan(story, id: id, userID: "user123", message: Array(text.utf8), chunk: chunk)
  }

  private func job(_ part: StoryPlan.Part) throws -> Job {
    guard case .job(let job) = JobMessage.decode(part.body, messageID: nil) else {
      throw Problem(.internal, "\(part.id) is no job: \(JobMessage.decode(part.body, messageID: nil))")
    }
    return job
  }

  @Test func `scenes become speech and pictures in chunks, and one video that waits for all of them`() throws {
    let plan = try plan(
      script(5, #","videoConfig":{"size":"1920x1080","voice":"joe","fps":30},"seriesId":"s1","userTier":"tier3""#),
      chunk: 2)
    let kinds = plan.scenes.map { "\($0.scene ?? 0)\($0.taskType == .tts ? "s" : "p")" }
    #expect(kinds == ["1s", "2s", "1p", "2p", "3s", "4s", "3p", "4p", "5s", "5p"])
    #expect(plan.parts.first?.taskType == .video)

    let jobs = try plan.parts.map(job)
    #expect(jobs.map(\.id) == plan.parts.map(\.id) && Set(jobs.map(\.id)).count == 11)
    #expect(jobs.allSatisfy { $0.userID == "user123" && $0.seriesID == "s1" && $0.claimedTier == "tier3" })
    #expect(jobs.allSatisfy { $0.metadata?["storyId"]?.string == plan.id.text })
    #expect(Set(jobs[0].after) == Set(jobs.dropFirst().map(\.id)) && jobs[0].after == plan.id.scenes)
    #expect(jobs.dropFirst().allSatisfy { $0.after.isEmpty })
    #expect(jobs[0].payload["size"]?.string == "1920x1080" && jobs[0].payload["fps"]?.integer == 30)
    let told = jobs[0].payload["scenes"]?.elements ?? []
    #expect(told.map { $0["speech"]?.string } == (1...5).map { plan.id.speech($0) })
    #expect(told.map { $0["image"]?.string } == (1...5).map { plan.id.picture($0) })
    #expect(jobs[1].payload["text"]?.string == "Scene 1 is told." && jobs[1].payload["voice"]?.string == "joe")
    #expect(jobs[3].payload["prompt"]?.string == "picture 1" && jobs[3].payload["size"] == nil)
  }

  @Test func `a scene without a prompt is pictured by what is told, and a tall video has tall pictures`() throws {
    let plan = try plan(
      #"{"script":{"scenes":[{"narration":"A door."}]},"videoConfig":{"size":"720x1280"}}"#, chunk: 3)
    let picture = try job(plan.scenes[1])
    #expect(picture.payload["prompt"]?.string == "A door." && picture.payload["size"]?.string == "720x1280")
    #expect(picture.claimedTier == nil && picture.seriesID == nil)
  }

  @Test func `the same request gives the same bytes, another sender another story`() throws {
    let text = script(3)
    let (first, again) = (try plan(text, chunk: 3), try plan(text, chunk: 3))
    #expect(first.parts.map(\.body) == again.parts.map(\.body))
    let other = StoryID(scenes: 3, idempotencyKey: "k", sender: "key2", at: Self.time)
    #expect(other != first.id)
    // Another script under the same key has the same stem, by which the door tells them apart.
    let longer = try plan(script(4), chunk: 3).id
    #expect(longer.stem == first.id.stem && longer != first.id)
    let (fresh, another) = (try plan(text, key: nil, chunk: 3).id, try plan(text, key: nil, chunk: 3).id)
    #expect(fresh != another)
  }

  @Test func `what is wrong is named by its member`() throws {
    let faults = [
      ("{}", "script"), (#"{"script":{"scenes":[]}}"#, "script.scenes"),
      (script(61), "script.scenes"), (#"{"script":{"scenes":[{"narration":"  "}]}}"#, "script.scenes[0].narration"),
      (#"{"script":{"scenes":["x"]}}"#, "script.scenes[0].narration"),
      (#"{"script":{"scenes":[{"narration":"\u2026 - !"}]}}"#, "script.scenes[0].narration"),
      (#"{"script":{"scenes":[{"narration":"a","imagePrompt":1}]}}"#, "script.scenes[0].imagePrompt"),
      (script(1, #","videoConfig":3"#), "videoConfig"),
      (script(1, #","videoConfig":{"size":"1x1"}"#), "videoConfig.size"),
      (script(1, #","videoConfig":{"size":"641x480"}"#), "videoConfig.size"),
      (script(1, #","videoConfig":{"fps":0}"#), "videoConfig.fps"),
      (script(1, #","seriesId":7"#), "seriesId"), (script(1, #","userTier":[]"#), "userTier"),
    ]
    for (text, member) in faults {
      let problem = #expect(throws: Problem.self) { try request(text) }
      #expect(problem?.member == member && problem?.code == .invalidMessage, "\(text)")
    }
    for told in ["7", "Кто там?", "日", "…and"] {
      _ = try request(#"{"script":{"scenes":[{"narration":"\#(told)"}]}}"#)
    }
    for text in [script(60), script(1, #","videoConfig":null,"seriesId":null"#)] { _ = try request(text) }
  }

  @Test func `its name tells how many scenes there are, and is read back`() {
    let id = StoryID(scenes: 60, idempotencyKey: nil, sender: "key1", at: Self.time)
    #expect(StoryID(reading: id.text) == id && id.scenes.count == 120)
    #expect(id.scenes.allSatisfy { Identifier.isValid($0) && $0.utf8.count <= 128 })
    for text in ["", "st-a", "st-a-0", "st-a-61", "st-a-01", "st--3", "xx-a-3", "st-a-3-4", "st-a b-3", "st-a-3/"] {
      #expect(StoryID(reading: text) == nil, "\(text)")
    }
  }
}
