import Contracts
import Testing

@testable import Providers

struct OpenAIUsageTests {
  private func tokens(_ text: String) throws -> [String] {
    OpenAIUsage.tokens(try JSONParser.parse(Array(text.utf8)).root).map { "\($0.unit.rawValue) \($0.quantity)" }
  }

  @Test func `audio is told apart from text, as far as it was not cached`() throws {
    func usage(_ prompt: Int, cached: Int, heard: Int, _ completion: Int, spoken: Int) throws -> [String] {
      let input = #"{"cached_tokens":\#(cached),"audio_tokens":\#(heard)}"#
      let output = #"{"audio_tokens":\#(spoken)}"#
      return try tokens(
        #"{"prompt_tokens":\#(prompt),"completion_tokens":\#(completion),"prompt_tokens_details":\#(input),"#
          + #""completion_tokens_details":\#(output)}"#)
    }
    #expect(
      try usage(100, cached: 0, heard: 30, 50, spoken: 20)
        == ["input_tokens 70", "output_tokens 30", "input_audio_tokens 30", "output_audio_tokens 20"])
    #expect(
      try usage(100, cached: 80, heard: 30, 5, spoken: 0)
        == ["cached_input_tokens 80", "output_tokens 5", "input_audio_tokens 20"])
    #expect(try usage(100, cached: 0, heard: 101, 5, spoken: 0) == [])
    #expect(try usage(100, cached: 0, heard: 0, 5, spoken: 6) == [])
  }

  @Test func `cached tokens are not counted twice`() throws {
    let usage = #"""
      {"prompt_tokens":6074,"completion_tokens":285,"total_tokens":6359,"prompt_tokens_details":{"cached_tokens":3456}}
      """#
    #expect(try tokens(usage) == ["input_tokens 2618", "cached_input_tokens 3456", "output_tokens 285"])
  }

  @Test func `tokens written to a cache have a unit of their own`() throws {
    let usage = #"{"prompt_tokens":100,"completion_tokens":1,"prompt_tokens_details":{"cache_write_tokens":60}}"#
    #expect(try tokens(usage) == ["input_tokens 40", "cache_write_tokens 60", "output_tokens 1"])
  }

  @Test func `reasoning is part of the output, whether the server counts it there or not`() throws {
    let inside = #"""
      {"prompt_tokens":17,"completion_tokens":482,"total_tokens":499,
       "completion_tokens_details":{"reasoning_tokens":448}}
      """#
    #expect(try tokens(inside) == ["input_tokens 17", "output_tokens 482"])
    let beside = #"""
      {"prompt_tokens":17,"completion_tokens":34,"total_tokens":499,
       "completion_tokens_details":{"reasoning_tokens":448}}
      """#
    #expect(try tokens(beside) == ["input_tokens 17", "output_tokens 482"])
  }

  @Test func `embeddings have no output`() throws {
    #expect(try tokens(#"{"prompt_tokens":8,"total_tokens":8}"#) == ["input_tokens 8"])
  }

  @Test(arguments: [
    #"{"prompt_tokens":100,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":120}}"#,
    #"{"prompt_tokens":-5,"completion_tokens":1}"#, #"{"prompt_tokens":5,"completion_tokens":-1}"#,
    #"{"prompt_tokens":5.5,"completion_tokens":1}"#, #"{"prompt_tokens":"5","completion_tokens":1}"#,
    #"{"prompt_tokens":5,"completion_tokens":10,"total_tokens":12}"#, #"{"completion_tokens":10}"#,
    #"{"prompt_tokens":99999999999999999999,"completion_tokens":1}"#, "{}", "null", "[]", "7",
  ])
  func `figures that cannot be true are not stated`(usage: String) throws {
    #expect(try tokens(usage).isEmpty)
  }

  @Test func `details that are null are none`() throws {
    let usage = #"""
      {"prompt_tokens":5,"completion_tokens":2,"total_tokens":null,"prompt_tokens_details":null}
      """#
    #expect(try tokens(usage) == ["input_tokens 5", "output_tokens 2"])
  }

  @Test func `pictures are counted in tokens of text and of pictures`() throws {
    let usage = #"""
      {"input_tokens":60,"input_tokens_details":{"text_tokens":50,"image_tokens":10},"output_tokens":1056}
      """#
    let found = OpenAIUsage.imageTokens(try JSONParser.parse(Array(usage.utf8)).root)
    #expect(
      found.map { "\($0.unit.rawValue) \($0.quantity)" } == [
        "input_tokens 50", "input_image_tokens 10", "output_image_tokens 1056",
      ])
  }

  @Test(arguments: [
    (#"{"cost":0.00014}"#, 140_000), (#"{"cost":1.4e-05}"#, 14_000), (#"{"cost":0}"#, 0),
    (#"{"cost":0.00014500000000000003123}"#, 145_000),
  ])
  func `a stated cost is taken in dollars`(usage: String, nanoUSD: Int64) throws {
    #expect(OpenAIUsage.cost(try JSONParser.parse(Array(usage.utf8)).root) == Money(nanoUSD: nanoUSD))
  }

  @Test(arguments: [#"{"cost":-1}"#, #"{"cost":"1"}"#, #"{"cost":1e300}"#, #"{"cost":null}"#, "{}"])
  func `what is no cost is none`(usage: String) throws {
    #expect(OpenAIUsage.cost(try JSONParser.parse(Array(usage.utf8)).root) == nil)
  }
}
