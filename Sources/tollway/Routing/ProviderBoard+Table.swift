import Operations

// The board on a terminal.

extension ProviderBoard {
  var table: Table {
    var table = Table(["PROVIDER", "KIND", "STATE", "REASON", "SINCE", "NEXT PROBE"])
    for row in rows {
      table.add(
        .init(row.model.map { "\(row.provider)/\($0)" } ?? row.provider), .init(row.kind),
        .init(row.state.rawValue, row.state.colour), .init(row.words), .init(row.since), .init(row.until))
    }
    return table
  }
}

extension ProviderBoard.Row {
  /// `failures`, or `by ana: invoice dispute`.
  fileprivate var words: String? {
    guard let by else { return reason }
    return "by \(by)" + (note.map { $0.isEmpty ? "" : ": \($0)" } ?? "")
  }
}

extension ProviderBoard.State {
  fileprivate var colour: Style.Colour? {
    switch self {
    case .serving: nil
    case .probing, .held: .yellow
    case .resting: .red
    }
  }
}
