import Contracts

/// One thing described line by line: names on the left, what is known on the right.
struct Facts {
  private var entries: [(name: String, value: Table.Cell)] = []

  /// A fact that is not known is left out.
  mutating func add(_ name: String, _ value: String?, _ colour: Style.Colour? = nil) {
    guard let value else { return }
    entries.append((name, Table.Cell(value, colour)))
  }

  func lines(_ style: Style) -> [String] {
    let width = entries.map(\.name.count).max() ?? 0
    return entries.map { name, value in
      name.printable + String(repeating: " ", count: width - name.count + 2)
        + style.paint(value.text.printable, value.colour)
    }
  }

  func print(_ style: Style = .output) {
    for line in lines(style) { Output.line(line) }
  }
}
