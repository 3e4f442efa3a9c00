/// Cells by their ids, for templates.
struct CellSheet {
  private let cells: [String: ConsoleCell]

  init(_ cells: [ConsoleCell]) {
    self.cells = Dictionary(cells.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
  }

  subscript(id: String) -> Fields? { cells[id]?.fields }
}
