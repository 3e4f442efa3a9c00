import ArgumentParser
import Billing
import Operations

/// `tollway users show`: what one user is granted, and has used this month.
struct UserShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "What one user is granted, this month's use, and the last changes.",
    discussion: "A user for whom nothing is laid down has the tier of the message, or the default tier.")

  @OptionGroup var settings: Settings
  @OptionGroup var argument: UserArgument
  @Option(help: "table or json.") var format = Format.table

  func run() async throws {
    let policy = try RuleBook.policy(at: try settings.policyPath())
    let wires = try Wires.forCommand("users", settings)
    let acts = wires.acts(on: try Ledger.openExisting(settings), policy)
    let card = try await acts.user(argument.user) { error in
      StandardError.line("tollway: what is reserved is not known, Redis does not answer: \(error)")
    }
    await wires.close()
    switch format {
    case .json: try Output.json(card)
    case .table: card.print()
    }
  }
}
