import Billing
import Contracts
import Operations

// The report as a table and as CSV (RFC 4180). A column for each unit that occurs.

extension LedgerSheet {
  private var units: [String] { Usage.Unit.allCases.map(\.rawValue).filter { total.units[$0] != nil } }

  var table: Table {
    var table = Table(
      [.init(stringLiteral: by.uppercased()), .number("JOBS"), .number("ATTEMPTS")]
        + (isCorrected ? [.number("ORIGINAL"), .number("CORRECTIONS")] : []) + [.number("USD")]
        + units.map { .number($0.uppercased()) })
    for row in rows { table.rows.append(cells(row, key: row.key, nil)) }
    table.rows.append(cells(total, key: "total", .bold))
    return table
  }

  private var isCorrected: Bool { rows.contains { Money($0.correctionsUsd) != .zero } }

  private func cells(_ row: Row, key: String, _ colour: Style.Colour?) -> [Table.Cell] {
    let amounts = (isCorrected ? [row.originalUsd, row.correctionsUsd] : []) + [row.costUsd]
    return [.init(key, colour), .init("\(row.jobs)", colour), .init("\(row.attempts)", colour)]
      + amounts.map { .init(Money($0)?.inTable ?? $0, colour) } + units.map { .init(row.units[$0] ?? "-", colour) }
  }

  /// Without the total: the lines of a spreadsheet are to be summed there.
  var csv: [String] {
    let lines = rows.map { row in
      [row.key, "\(row.jobs)", "\(row.attempts)", row.costUsd, row.originalUsd, row.correctionsUsd]
        + units.map { row.units[$0] ?? "0" }
    }
    let titles = [by, "jobs", "attempts", "cost_usd", "original_usd", "corrections_usd"] + units
    return ([titles] + lines).map { $0.map(Self.quoted).joined(separator: ",") }
  }

  /// A leading `=`, `+`, `-` or `@` would be a formula to a spreadsheet; user ids may begin with the latter two.
  private static func quoted(_ field: String) -> String {
    var field = field
    if let first = field.first, "=+-@".contains(first), ExactDecimal(field) == nil { field = "'" + field }
    guard field.contains(where: { ",\"\r\n".contains($0) }) else { return field }
    return "\"" + field.replacing("\"", with: "\"\"") + "\""
  }
}
