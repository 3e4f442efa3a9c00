import Catalog
import Contracts
import Testing

@testable import Providers

struct CapabilityTests {
  private func refusal(
    _ kind: ProviderDefinition.Kind, _ task: TaskType, _ payload: String, model: String = "model"
  ) throws -> String? {
    Capability.refusal(of: kind, model: model, for: try job(task, payload))
  }

  @Test func `kinds serve their tasks and no others`() throws {
    let payloads: [TaskType: String] = [
      .tts: #"{"text":"a"}"#, .llm: #"{"prompt":"a"}"#, .image: #"{"prompt":"a"}"#, .video: #"{"prompt":"a"}"#,
      .embedding: #"{"input":"a"}"#, .echo: "{}",
    ]
    let served: [ProviderDefinition.Kind: Set<TaskType>] = [
      .openai: [.tts, .llm, .image, .video, .embedding], .anthropic: [.llm], .elevenlabs: [.tts],
      .huggingface: [.tts, .llm, .image, .embedding], .local: [.tts, .llm, .image, .video, .embedding], .espeak: [.tts],
      .card: [.image], .ffmpeg: [.video],
      .echo: Set(TaskType.allCases),
    ]
    for kind in ProviderDefinition.Kind.allCases {
      let found = try payloads.filter { try refusal(kind, $0.key, $0.value) == nil }
      #expect(Set(found.keys) == served[kind], "\(kind)")
    }
  }

  @Test func `a format goes only where it is made`() throws {
    func kinds(_ format: String) throws -> Set<ProviderDefinition.Kind> {
      try Set(
        [.openai, .elevenlabs, .huggingface, .local, .espeak].filter {
          try refusal($0, .tts, #"{"text":"a","format":"\#(format)"}"#) == nil
        })
    }
    #expect(try kinds("wav") == [.openai, .elevenlabs, .huggingface, .local, .espeak])
    #expect(try kinds("mp3") == [.openai, .elevenlabs, .local])
    #expect(try kinds("flac") == [.openai, .huggingface, .local])
    #expect(try kinds("exe").isEmpty)
  }

  @Test(arguments: [
    ("openai", "tts-1", 4096), ("openai", "gpt-4o-mini-tts", 4096), ("elevenlabs", "eleven_flash_v2_5", 40_000),
    ("elevenlabs", "eleven_flash_v2", 30_000), ("elevenlabs", "eleven_multilingual_v2", 10_000),
    ("elevenlabs", "eleven_v3", 5_000),
  ])
  func `a text is as long as the model takes, in characters`(_ kind: String, _ model: String, _ limit: Int) throws {
    let kind = try #require(ProviderDefinition.Kind(rawValue: kind))
    let longest = String(repeating: "é", count: limit)
    #expect(try refusal(kind, .tts, #"{"text":"\#(longest)"}"#, model: model) == nil)
    let refusal = try refusal(kind, .tts, #"{"text":"\#(longest)é"}"#, model: model)
    #expect(refusal?.contains("\(limit)") == true)
    #expect(refusal?.contains("é") == false)
    #expect(try self.refusal(kind, .tts, #"{"text":"\#(longest)é"}"#, model: "another") == nil)
  }

  @Test func `speeds and numbers beyond a model go elsewhere`() throws {
    let slow = #"{"text":"a","speed":0.5}"#
    #expect(try refusal(.elevenlabs, .tts, slow) != nil)
    #expect(try refusal(.elevenlabs, .tts, #"{"text":"a","speed":1.2}"#) == nil)
    #expect(try refusal(.huggingface, .tts, slow) != nil)
    #expect(try refusal(.espeak, .tts, slow) == nil)
    let three = #"{"prompt":"a","n":3}"#
    #expect(try refusal(.openai, .image, three, model: "dall-e-3") != nil)
    #expect(try refusal(.openai, .image, three, model: "gpt-image-1") == nil)
    #expect(try refusal(.huggingface, .image, three) != nil)
    #expect(try refusal(.anthropic, .llm, #"{"prompt":"a","temperature":1.5}"#) != nil)
    #expect(try refusal(.openai, .llm, #"{"prompt":"a","temperature":1.5}"#) == nil)
    #expect(try refusal(.openai, .video, #"{"scenes":[{"length":3}]}"#) != nil)
  }
}
