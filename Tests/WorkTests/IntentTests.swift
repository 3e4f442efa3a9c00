import Contracts
import Testing

@testable import Work

@Suite struct IntentTests {
  @Test func `an intent can be read back whatever its names hold`() throws {
    let text = Array(#"["TIER \"X\"","prov\\ider","model\nnew",null,1795000000000]"#.utf8)
    let intent = try #require(Intent(decoding: text))
    #expect(intent.version == nil)
    #expect(Intent(decoding: intent.encoded()) == intent)
  }

  @Test(arguments: ["", "[]", "{}", #"["a","b","c",null]"#, #"[1,"b","c",null,5]"#])
  func `foreign bytes are no intent`(text: String) {
    #expect(Intent(decoding: Array(text.utf8)) == nil)
  }
}
