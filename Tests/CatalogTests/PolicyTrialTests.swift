import Catalog
import Testing

/// What stands under `canaries`.
@Suite struct PolicyTrialTests {
  @Test(arguments: [
    ("version: \"1.0\", percent: 101", "canaries[0].percent: must be 0 to 100"),
    ("version: \"1.0\", percent: -1", "canaries[0].percent: must be a whole number of 0 or more"),
    ("version: \"1.0\"", "canaries[0].percent: is missing; write 0 to 100"),
    ("percent: 5", "canaries[0].version: is missing; name the version on trial"),
    (
      "version: \"1.1\", percent: 5",
      "canaries[0]: puts a version on trial that is not under models; list it there"
    ),
  ])
  func `a mistake in a trial is named`(members: String, expected: String) {
    let text = policyText() + "\ncanaries:\n  - {provider: piper, task: tts, model: joe, \(members)}\n"
    #expect(faults(of: text) == [expected])
  }

  @Test func `two trials may not have one id`() {
    let trials = """

      canaries:
        - {id: autumn, provider: piper, task: tts, model: joe, version: 1.0, percent: 5}
        - {id: autumn, provider: vllm, task: llm, model: llama, version: v2, percent: 5}
      """
    let found = faults(of: policyText(replacing: "model: llama", with: "model: llama, version: v2") + trials)
    #expect(
      found == [0, 1].map { "canaries[\($0)]: has the id of another trial; give it one of its own" })
  }

  @Test func `a trial that no tier takes part in is a warning`() throws {
    let text = policyText(replacing: "canary: true", with: "canary: false")
    let trial = "\ncanaries: [{provider: piper, task: tts, model: joe, version: 1.0, percent: 5}]\n"
    #expect(try warnings(of: text + trial) == ["canaries: has no effect: no tier has canary: true"])
  }
}
