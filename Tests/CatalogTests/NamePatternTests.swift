import Testing

@testable import Catalog

@Suite struct NamePatternTests {
  private func matches(_ pattern: String, _ name: String) throws -> Bool { try NamePattern(pattern).matches(name) }

  @Test(
    arguments: [
      ("gpt-5", "gpt-5", true), ("gpt-5", "gpt-5.4", false), ("gpt-5", "a gpt-5", false), ("", "x", nil),
      (#"gpt-5(\.\d+)?-mini"#, "gpt-5.4-mini", true), (#"gpt-5(\.\d+)?-mini"#, "gpt-5-mini", true),
      (#"gpt-5(\.\d+)?-mini"#, "gpt-5x4-mini", false), (#"claude-\w+-4-\d-\d{8}"#, "claude-opus-4-5-20251101", true),
      (#"claude-\w+-4-\d-\d{8}"#, "claude-opus-4-5-2025110", false), ("a{2,3}", "a", false), ("a{2,3}", "aa", true),
      ("a{2,3}", "aaa", true), ("a{2,3}", "aaaa", false), ("a{2,}", "aaaaaa", true), ("a{0,1}b", "b", true),
      ("(ab|c)*", "", true), ("(ab|c)*", "abcab", true), ("(ab|c)*", "abca", false), ("(?:a|b|)c", "c", true),
      ("a+", "", false), ("[a-c.-]+", "a-b.c", true), ("[^a-c]", "d", true), ("[^a-c]", "b", false),
      ("[\\d_]+", "1_2", true), (#"a\.b"#, "axb", false), (#"a\.b"#, "a.b", true), ("a.b", "axb", true),
      ("^abc$", "abc", true), ("(a*)*", "aaaa", true), ("((a|b)+-?)+", "ab-ba-a", true), ("x|", "", true),
    ] as [(String, String, Bool?)])
  func `the whole name has to fit`(pattern: String, name: String, expected: Bool?) throws {
    if let expected {
      #expect(try matches(pattern, name) == expected)
    } else {
      #expect(throws: NamePattern.Fault.self) { try NamePattern(pattern) }
    }
  }

  @Test(arguments: [
    "(", ")", "a)", "(a", "[", "[]", "[a", "a**", "*a", "+", "a{", "a{2", "a{3,2}", "a{65}", "a{x}", #"\"#, #"\b"#,
    "(?=a)", "(?i)a", "é", "a$b", "a^b", "]", "}", "[z-a]", #"[a-\d]"#, "((((a{64}){64}){64}){64}){64}",
    String(repeating: "a", count: 201),
  ])
  func `what is no pattern of ours is refused`(pattern: String) {
    #expect(throws: NamePattern.Fault.self) { try NamePattern(pattern) }
  }

  @Test func `no pattern takes long, those included that drive others mad`() throws {
    let name = String(repeating: "a", count: 255) + "!"
    let clock = ContinuousClock()
    for pattern in ["(a+)+", "(a|a)*", "(a|aa)+", "((a*)*)*", String(repeating: "a*", count: 60), "(a{0,30}){0,30}"] {
      let pattern = try NamePattern(pattern)
      let took = clock.measure { #expect(!pattern.matches(name)) }
      #expect(took < .seconds(5))
    }
  }

  @Test func `a name beyond all measure fits nothing`() throws {
    #expect(try matches("a*", String(repeating: "a", count: 256)))
    #expect(try !matches("a*", String(repeating: "a", count: 257)))
  }
}
