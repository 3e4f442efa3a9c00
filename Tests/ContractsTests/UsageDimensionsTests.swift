import Contracts
import Testing

@Suite struct UsageDimensionsTests {
  private func asked(_ payload: String, _ task: TaskType) throws -> Usage.Dimensions {
    Usage.Dimensions(of: try JSONParser.parse(Array(payload.utf8)).root, task: task)
  }

  @Test(
    arguments: [
      ("1280x720", "720p"), ("720x1280", "720p"), ("1920X1080", "1080p"), ("3840x2160", "4k"), ("1080P", "1080p"),
      ("2160p", "4k"), ("4K", "4k"), ("8k", "8k"), ("1024x1792", "1024p"), ("auto", nil), ("x", nil), ("0x0", nil),
      ("16:9", nil), ("-1x5", nil), ("p", nil), ("1x2x3", nil),
    ] as [(String, String?)])
  func `the resolution of a clip follows from its size`(size: String, resolution: String?) throws {
    let found = try asked(#"{"size":"\#(size)","quality":"hd","resolution":"4k"}"#, .video)
    #expect(found == Usage.Dimensions(size: size, resolution: resolution))
  }

  @Test func `a picture has a size and a quality, other tasks have nothing of the kind`() throws {
    let payload = #"{"size":"1024x1024","quality":"HD"}"#
    #expect(try asked(payload, .image) == Usage.Dimensions(size: "1024x1024", quality: "hd"))
    for task in [TaskType.llm, .tts, .embedding, .echo] { #expect(try asked(payload, task).isOpen) }
    #expect(try asked("{}", .image).isOpen)
    #expect(try asked(#"{"size":""}"#, .video).isOpen)
  }

  @Test(arguments: ["very large", "é", String(repeating: "9", count: 33), "<script>", "a\\nb"])
  func `a text that no provider could mean does not travel`(size: String) throws {
    #expect(try asked(#"{"size":"\#(size)"}"#, .image).size == "other")
  }
}
