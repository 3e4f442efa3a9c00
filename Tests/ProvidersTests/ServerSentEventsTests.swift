import Testing

@testable import Providers

struct ServerSentEventsTests {
  typealias Event = ServerSentEvents.Event

  private func events(_ text: String, pieces: Int = 1) throws -> [Event] {
    var reader = ServerSentEvents()
    var found: [Event] = []
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: pieces) {
      found += try reader.feed(bytes[start..<min(start + pieces, bytes.count)])
    }
    return found
  }

  private func event(_ data: String, name: String? = nil) -> Event { Event(name: name, data: Array(data.utf8)) }

  @Test(arguments: ["\n", "\r", "\r\n"], [1, 2, 3, 1000])
  func `events are the same however lines end and pieces are cut`(end: String, pieces: Int) throws {
    let lines = [
      ": a comment", "event: first", "data: one", "data:two", "id: 7", "retry: 10", "", "", "data", "data: é", "",
      "event: nameless", "", "data: {\"a\": 1}", "",
    ]
    let text = lines.map { $0 + end }.joined()
    #expect(
      try events(text, pieces: pieces) == [
        event("one\ntwo", name: "first"), event("\né"), event(#"{"a": 1}"#),
      ])
  }

  @Test func `only one blank belongs to the syntax, and a byte order mark only at the start`() throws {
    #expect(try events("\u{FEFF}data:  two\n\n") == [event(" two")])
    #expect(try events("\n\u{FEFF}data: x\n\n").isEmpty)
  }

  @Test func `an event without its empty line never comes out`() throws {
    #expect(try events("data: whole\n\ndata: not").map(\.data) == [Array("whole".utf8)])
    #expect(try events("data: whole\n\ndata: not\n").map(\.data) == [Array("whole".utf8)])
  }

  @Test func `an event ends with its own line, not with the one behind it`() throws {
    var reader = ServerSentEvents()
    #expect(try reader.feed(Array("data: a\r\n\r".utf8)) == [event("a")])
    #expect(try reader.feed(Array("\ndata: b\r\r".utf8)) == [event("b")])
  }

  @Test func `a line and an event have limits, and many events have none`() throws {
    func kind(_ text: String) -> ProviderFailure.Kind? {
      var reader = ServerSentEvents(lineLimit: 20, eventLimit: 30)
      do {
        _ = try reader.feed(Array(text.utf8))
        return nil
      } catch {
        return error.kind
      }
    }
    #expect(kind("data: " + String(repeating: "x", count: 14) + "\n") == nil)
    #expect(kind("data: " + String(repeating: "x", count: 15)) == .malformed)
    #expect(kind(": " + String(repeating: "x", count: 19)) == .malformed)
    #expect(kind(String(repeating: "data: 123456789\n", count: 3)) == nil)
    #expect(kind(String(repeating: "data: 123456789\n", count: 4)) == .malformed)
    #expect(kind(String(repeating: "data: 123456789\n\n", count: 1000)) == nil)
  }
}
