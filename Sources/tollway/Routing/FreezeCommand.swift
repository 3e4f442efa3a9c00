import ArgumentParser
import Billing
import Catalog
import Contracts
import Operations

/// `tollway freeze`: hold every tier at the versions approved now.
struct FreezeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "freeze", abstract: "Hold every tier at the versions approved now, or let them move again.",
    discussion: """
      While a freeze is on, models, versions and pins stay as the policy file had them when it began, and nothing is on \
      trial; limits, providers and their order follow the file. Every worker follows with the next jobs it looks at.
      """,
    subcommands: [On.self, Off.self, Status.self])

  struct On: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Freeze at what the policy file approves of; a freeze that is on stays as it is.")

    @OptionGroup var settings: Settings
    @OptionGroup var note: ChangeNote

    func run() async throws {
      let policy = try RuleBook.policy(at: try settings.policyPath())
      let wires = try Wires.forCommand("freeze", settings)
      let (freeze, isNew) = try await wires.acts(on: try await Ledger.openOrMake(settings), policy).freeze(note.act)
      await wires.close()
      let held = "\(freeze.models.count) versions are held since \(freeze.since)"
      Output.line(
        isNew ? "frozen: \(held)" : "nothing changed, the fleet is frozen already: \(held), by \(freeze.by.printable)")
    }
  }

  struct Off: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "End the freeze: what the policy file says counts again.")

    @OptionGroup var settings: Settings
    @OptionGroup var note: ChangeNote

    func run() async throws {
      let wires = try Wires.forCommand("freeze", settings)
      let ended = try await wires.acts(on: try Ledger.openExisting(settings), settings).thaw(note.act)
      await wires.close()
      guard let ended else { return Output.line("nothing changed, the fleet is not frozen") }
      Output.line("the freeze is over, after \(ended.freeze.since.words(until: ended.at))")
    }
  }

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Whether a freeze is on, since when, what it holds, and whether workers know.")

    @OptionGroup var settings: Settings
    @Option(help: "table or json.") var format = Format.table

    func run() async throws {
      let wires = try Wires.forCommand("freeze", settings)
      let card = try await wires.acts(on: try Ledger.openExisting(settings), settings).freezeCard { error in
        StandardError.line("tollway: whether workers know is not known, Redis does not answer: \(error)")
      }
      await wires.close()
      switch format {
      case .json: try Output.json(card)
      case .table: card.print()
      }
    }
  }
}
