import Catalog
import Testing

/// What a policy's pins and listings must have in common, so that a version is more than a word in the file.
@Suite struct PolicyVersionTests {
  @Test(arguments: [
    ("model: joe, version: 1.0}}", "model: joe, version: 1.1}}", "tts"),
    ("model: joe, version: 1.0}}", "model: jane, version: 1.0}}", "tts"),
    ("pinned: {tts: {provider: piper,", "pinned: {tts: {provider: espeak,", "tts"),
    ("pinned: {tts: {provider: piper,", "pinned: {llm: {provider: piper,", "llm"),
  ])
  func `a pin to a version that is not listed is a mistake`(old: String, new: String, task: String) {
    #expect(
      faults(of: policyText(replacing: old, with: new)) == [
        "tiers.PRO.model_policy.pinned.\(task): pins a version that is not under models; list it there, or pin one "
          + "that is"
      ])
  }

  @Test func `a pin without a version may lead to what is not listed`() throws {
    let text = policyText(replacing: "model: joe, version: 1.0}}", with: "model: jane}}")
    #expect(try warnings(of: text) == [])
  }

  @Test(arguments: [
    "{provider: vllm, task: llm, model: llama, version: 2}",
    "{provider: vllm, task: llm, model: llama, version: 2, id: llama, stage: retired}",
    "{provider: piper, task: tts, model: joe, version: 1.1, verified: true}",
  ])
  func `two versions of a model that have one name at their provider are doubtful`(listing: String) throws {
    #expect(
      try warnings(of: policyText() + "\n  - \(listing)\n") == [
        "models[3]: is to its provider the same as another version of the model: whichever the route says, it serves "
          + "the one that it has; give each the id that the provider knows it by"
      ])
  }

  @Test(arguments: [
    "{provider: vllm, task: llm, model: llama, version: 2, id: llama-2}",
    "{provider: vllm, task: embedding, model: llama, version: 2}",
    "{provider: vllm, task: llm, model: lama, version: 2}",
    "{provider: espeak, task: tts, model: espeak-ng, version: 2}",
  ])
  func `versions that their provider can tell apart, or that no provider is asked for, may stand together`(
    listing: String
  ) throws {
    #expect(try warnings(of: policyText() + "\n  - \(listing)\n") == [])
  }
}
