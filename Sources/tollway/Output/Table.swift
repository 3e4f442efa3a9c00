import Contracts

/// Aligned columns under upper-case titles, no lines drawn. Values of foreign messages may stand in cells: whatever
/// could move a terminal's cursor is replaced.
struct Table {
  struct Column: ExpressibleByStringLiteral {
    var title: String
    var isNumber = false
    /// Longer cells are cut.
    var limit = 80

    init(stringLiteral title: String) { self.title = title }

    static func number(_ title: String) -> Column {
      var column = Column(stringLiteral: title)
      column.isNumber = true
      return column
    }
  }

  struct Cell: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    var text: String
    var colour: Style.Colour?

    init(stringLiteral text: String) { self.text = text }

    init(_ text: String, _ colour: Style.Colour? = nil) {
      self.text = text
      self.colour = colour
    }

    init(_ text: String?) { self.init(text ?? "-") }

    init(_ number: Int) { self.init("\(number)") }
  }

  let columns: [Column]
  var rows: [[Cell]] = []

  init(_ columns: [Column]) { self.columns = columns }

  mutating func add(_ cells: Cell...) { add(cells) }
  mutating func add(_ cells: [Cell]) { rows.append(cells) }

  func lines(_ style: Style) -> [String] {
    let titles = columns.map { Cell($0.title, .bold) }
    let shown = ([titles] + rows).map { cells in
      zip(cells, columns).map { cell, column in Cell(cell.text.printable.cut(to: column.limit), cell.colour) }
    }
    let widths = columns.indices.map { index in shown.map { $0[index].text.count }.max() ?? 0 }
    return shown.map { Self.line($0, columns, widths, style) }
  }

  func print(_ style: Style = .output) {
    for line in lines(style) { Output.line(line) }
  }

  private static func line(_ cells: [Cell], _ columns: [Column], _ widths: [Int], _ style: Style) -> String {
    var line = ""
    for (index, cell) in cells.enumerated() {
      let padding = String(repeating: " ", count: widths[index] - cell.text.count)
      let text = style.paint(cell.text, cell.colour)
      if index > 0 { line += "  " }
      let isLast = index == cells.count - 1
      line += columns[index].isNumber ? padding + text : text + (isLast ? "" : padding)
    }
    return line
  }
}

extension String {
  func cut(to limit: Int) -> String { count <= limit ? self : prefix(limit - 1) + "…" }
}
