import Admission
import ArgumentParser
import Billing
import Catalog
import Contracts
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
    let user = argument.user
    let policy = try RuleBook.policy(at: try settings.policyPath())
    let wires = try Wires.forCommand("users", settings)
    let ledger = try Ledger.openExisting(settings)
    let assignments = Assignments(in: ledger)
    let (period, standing) = await Self.standing(of: user, wires)
    await wires.close()
    let card = UserCard(
      user: user, assignment: try await assignments.assignment(of: user), policy: policy,
      month: try await ledger.userMonth(of: user, period: period) ?? UserMonth(userID: user, chargePeriod: period),
      standing: standing, changes: try await assignments.changes(of: user, limit: 10))
    switch format {
    case .json: try Output.json(card)
    case .table: card.print()
    }
  }

  /// The month by Redis' clock and what it stands at there; by this machine's clock and nil when Redis does not answer,
  /// which is said and no failure: the ledger has the rest.
  private static func standing(of user: String, _ wires: Wires) async -> (String, MonthStanding?) {
    do {
      let period = try await wires.desk.time().chargePeriod
      let (base, open) = try await wires.desk.standing(of: user, period: period)
      return (period, MonthStanding(base: base, open: open))
    } catch {
      StandardError.line("tollway: what is reserved is not known, Redis does not answer: \(error)")
      return (Wires.now().chargePeriod, nil)
    }
  }
}
