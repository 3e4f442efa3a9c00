import Testing

@testable import tollway

struct TableTests {
  private let plain = Style(isColoured: false)

  @Test func `columns are aligned, numbers to the right, the last one without padding`() {
    var table = Table(["LANE", .number("READY"), "WHY"])
    table.add("critical", "7", "x")
    table.add("low", "1200", "a longer reason")
    #expect(
      table.lines(plain) == ["LANE      READY  WHY", "critical      7  x", "low        1200  a longer reason"])
  }

  @Test func `a long cell is cut`() {
    var detail = Table.Column(stringLiteral: "D")
    detail.limit = 5
    var table = Table([detail])
    table.add("1234567")
    #expect(table.lines(plain) == ["D", "1234…"])
  }

  @Test func `what a foreign message says cannot move the cursor or forge a line`() {
    var table = Table(["A", "B"])
    table.add("\u{1B}[2J", "x\r\ny\u{202E}z")
    let line = table.lines(plain)[1]
    #expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E })
    #expect(line.hasPrefix("\u{FFFD}[2J"))
  }

  @Test func `colours do not count as width`() {
    var table = Table(["A", "B"])
    table.add(Table.Cell("x", .red), "y")
    #expect(table.lines(Style(isColoured: true))[1] == "\u{1B}[31mx\u{1B}[0m  y")
  }

  @Test func `facts are aligned and unknown ones left out`() {
    var facts = Facts()
    facts.add("job", "j1")
    facts.add("provider", nil)
    facts.add("status", "failed")
    #expect(facts.lines(plain) == ["job     j1", "status  failed"])
  }
}

struct StyleTests {
  private func isColoured(isTerminal: Bool, _ environment: [String: String]) -> Bool {
    Style(isTerminal: isTerminal, environment: environment).paint("x", .red) != "x"
  }

  @Test func `colours are for terminals`() {
    #expect(isColoured(isTerminal: true, [:]))
    #expect(!isColoured(isTerminal: false, [:]))
  }

  @Test func `NO_COLOR and a dumb terminal switch them off`() {
    #expect(!isColoured(isTerminal: true, ["NO_COLOR": "1"]))
    #expect(isColoured(isTerminal: true, ["NO_COLOR": ""]))
    #expect(!isColoured(isTerminal: true, ["TERM": "dumb"]))
  }

  @Test func `FORCE_COLOR keeps them in a pipe`() {
    #expect(isColoured(isTerminal: false, ["FORCE_COLOR": "1", "NO_COLOR": "1"]))
  }
}

struct ProgressBarTests {
  @Test func `the bar fills and says how fast`() {
    #expect(ProgressBar.bar("submitted", 0, 100, .zero).hasSuffix("░ 0/100"))
    let full = ProgressBar.bar("submitted", 100, 100, .seconds(4))
    #expect(full == "submitted \(String(repeating: "█", count: 30)) 100/100  25/s")
  }
}
