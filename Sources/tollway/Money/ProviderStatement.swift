import Contracts
import Foundation
import Operations

/// What a provider charged by its own invoice or usage export: `provider,day,usd`, one line each.
struct ProviderStatement {
  let provider, day: String
  let amount: Money

  static func read(_ path: String) throws(CommandFailure) -> [ProviderStatement] {
    let text: String
    do {
      text = try String(contentsOf: URL(filePath: path), encoding: .utf8)
    } catch {
      throw CommandFailure(.failed, "\(path) cannot be read", "a CSV file with the columns provider,day,usd is needed")
    }
    var lines = text.split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    if lines.first?.first?.lowercased() == "provider" { lines.removeFirst() }
    var found: [ProviderStatement] = []
    for (number, cells) in lines.enumerated() {
      guard cells.count == 3, Timestamp(dayOrTime: String(cells[1])) != nil, cells[1].utf8.count == 10,
        let amount = Money(cells[2])
      else {
        throw CommandFailure(
          .usage, "\(path): line \(number + 1) is not provider,day,usd", "write lines like openai,2026-11-21,12.34")
      }
      found.append(ProviderStatement(provider: String(cells[0]), day: String(cells[1]), amount: amount))
    }
    return found
  }
}
