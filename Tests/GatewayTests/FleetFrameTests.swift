import Console
import Testing

@testable import Gateway

@Suite struct FleetFrameTests {
  private func frame(_ running: String) -> FleetFrame {
    FleetFrame(number: 7, cells: [ConsoleCell(id: "a", text: running), ConsoleCell(id: "b", text: "2", state: "warn")])
  }

  @Test func `all cells come first, then those that changed`() {
    let first = String(decoding: frame("1").events(after: nil), as: UTF8.self)
    #expect(first == "id: 7\nevent: cells\ndata: [[\"a\",\"1\",\"\"],[\"b\",\"2\",\"warn\"]]\n\n")
    let second = String(decoding: frame("3").events(after: frame("1")), as: UTF8.self)
    #expect(second == "id: 7\nevent: cells\ndata: [[\"a\",\"3\",\"\"]]\n\n")
    #expect(frame("3").events(after: frame("3")).isEmpty)
  }

  @Test func `a seat that nobody has any more is given back`() throws {
    let seats = Seats(limit: 1, console: 0, key: 1)
    let gallery = Gallery<FleetFrame>(seats: seats)
    let holder = Seats.Holder(key: nil, isConsole: true)
    do {
      let seat = try gallery.join(true, for: holder)
      #expect(gallery.viewers.map(ObjectIdentifier.init) == [ObjectIdentifier(seat.viewer)] && seats.taken == 1)
      #expect(throws: Problem.self) { try gallery.join(true, for: holder) }
    }
    #expect(gallery.isEmpty && seats.taken == 0)
    gallery.close()
    #expect(throws: Problem.self) { try gallery.join(true, for: holder) }
    #expect(seats.taken == 0)
  }
}
