import Contracts
import Testing

@Suite struct JSONParserTests {
  @Test func `every kind of value is read`() throws {
    let root = try parse(
      #"""
       { "s" : "a\"\\\/\b\f\n\r\té\u00e9\ud83d\ude00" , "i": -12, "f": 1.50, "e": 2E+2,
        "t":true,"f2":false,"n":null, "a":[1,[],{}], "o":{"x":{"y":1}} } 	
      """#)
    #expect(root["s"]?.string == "a\"\\/\u{8}\u{c}\n\r\téé😀")
    #expect(root["i"]?.integer == -12)
    #expect(root["f"]?.decimal?.description == "1.5")
    #expect(root["f"]?.numberText == "1.50")
    #expect(root["f"]?.integer == nil)
    #expect(root["e"]?.double == 200)
    #expect(root["t"]?.bool == true)
    #expect(root["f2"]?.bool == false)
    #expect(root["n"]?.isNull == true)
    #expect(root["a"]?.elements.count == 3)
    #expect(root["o"]?["x"]?["y"]?.integer == 1)
    #expect(root["absent"] == nil)
    #expect(root.members.map(\.key) == ["s", "i", "f", "e", "t", "f2", "n", "a", "o"])
  }

  @Test func `a value's own text is kept byte for byte`() throws {
    let root = try parse(#"{"a": { "x" :1.0 , "y":"\u0041" }, "b":"q"}"#)
    #expect(text(try #require(root["a"]).raw) == #"{ "x" :1.0 , "y":"\u0041" }"#)
    #expect(text(try #require(root["b"]).raw) == "\"q\"")
    #expect(root["a"]?["y"]?.string == "A")
  }

  @Test func `a name with escapes is found by its meaning`() throws {
    #expect(try parse(#"{"\u0061b":1}"#)["ab"]?.integer == 1)
  }

  @Test(arguments: [
    "", " ", "{", "}", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,",
    "{\"a\":1,}",
    "{a:1}", "{'a':1}", "{1:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "tru", "truex", "True", "nul", "NaN", "Infinity",
    "-Infinity",
    "-", "+1", "01", "-01", "1.", ".1", "1.e1", "1e", "1e+", "0x10", "1_0", "1e400", "-1e400", "\"", "\"a", "\"\\",
    "\"\\x\"",
    "\"\\u\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800\\ud800\"",
    "\"\\ud800x\"", "\"\\ud83d\\", "\"\\ud83d\\u", "\"a\nb\"", "\"\t\"", "\"\u{0}\"", "\u{0}", "1\u{0}", "\u{feff}{}",
    "{}{}",
    "{} x", "1 1", "/**/1", "//\n1", "[1]]", "\u{a0}1", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}",
    "[[{\"b\":{\"c\":1,\"c\":1}}]]",
  ])
  func `what is not JSON, or not safe JSON, is refused`(text: String) throws {
    let fault = try #require(readingFault(of: Array(text.utf8)))
    #expect((0...text.utf8.count).contains(fault.offset))
  }

  @Test(
    arguments: [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
      [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22],
      [0x22, 0xC3, 0x22], [0x22, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22], [0xEF, 0xBB, 0xBF, 0x31],
      [0xFF, 0xFE, 0x31, 0x00],
      [0x22, 0x5C, 0xC3, 0xA9, 0x22],
    ] as [[UInt8]])
  func `bytes that are not UTF-8 are refused`(bytes: [UInt8]) { #expect(readingFault(of: bytes) != nil) }

  @Test func `depth is limited to 32`() {
    func nested(_ open: String, _ close: String, _ depth: Int) -> [UInt8] {
      Array((String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)).utf8)
    }
    #expect(readingFault(of: nested("[", "]", 32)) == nil)
    #expect(readingFault(of: nested("[", "]", 33))?.reason == "nested deeper than 32")
    #expect(readingFault(of: nested("{\"a\":", "}", 32)) == nil)
    #expect(readingFault(of: nested("{\"a\":", "}", 33))?.reason == "nested deeper than 32")
    #expect(readingFault(of: Array(String(repeating: "[", count: 1_000_000).utf8))?.reason == "nested deeper than 32")
  }

  @Test func `values are limited to a hundred thousand`() {
    func list(_ count: Int) -> [UInt8] { Array(("[" + String(repeating: "1,", count: count - 1) + "1]").utf8) }
    #expect(readingFault(of: list(99_999)) == nil)
    #expect(readingFault(of: list(100_000))?.reason == "more than 100000 values")
  }

  @Test func `many names, and escaped ones, are told apart by meaning`() {
    let names = (0..<5000).map { "\"k\($0)\":0" }
    #expect(readingFault(of: Array("{\(names.joined(separator: ","))}".utf8)) == nil)
    #expect(
      readingFault(of: Array("{\(names.joined(separator: ",")),\"k17\":1}".utf8))?.reason == "duplicate member name")
    // The same letter composed and decomposed: two names.
    #expect(readingFault(of: Array("{\"\u{e9}\":1,\"e\u{301}\":2,\"\\u0065\":3}".utf8)) == nil)
  }

  @Test(arguments: ["0", "-0", "0.0", "1E400", "1e-400", "123456789012345678901234567890", "-1.7976931348623157e308"])
  func `numbers at the edges do not trap`(text: String) {
    do throws(JSONFault) {
      let value = try parse(text)
      _ = (value.integer, value.double, value.decimal)
    } catch {
      #expect(error.reason == "number out of range")
    }
  }

  @Test func `a fault does not quote the text`() {
    let secret = "{\"prompt\": \"my secret\", x}"
    #expect(readingFault(of: Array(secret.utf8))?.description == "member name expected at byte 24")
  }
}
