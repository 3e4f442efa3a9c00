import Admission
import ArgumentParser
import Billing
import Catalog
import Contracts
import Foundation
import Operations

/// `tollway providers`: which serve, which rest, and switching one off by hand.
struct ProvidersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "providers", abstract: "Show which providers serve and rest; take one out of service, or let it in.",
    discussion: """
      A provider that fails too often, or says itself that it is shut, rests for a while, for all workers; then one job \
      at a time tries whether it serves again. One that is held gets no job until it is released.
      """,
    subcommands: [List.self, Hold.self, Release.self], defaultSubcommand: List.self)

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Every provider of the policy file, and how it stands.")

    @OptionGroup var settings: Settings
    @Option(help: "table or json.") var format = Format.table

    func run() async throws {
      let policy = try RuleBook.policy(at: try settings.policyPath())
      let wires = try Wires.forCommand("providers", settings)
      let (now, breakers) = try await wires.desk.breakers()
      await wires.close()
      let holds = try await Self.holds(settings)
      let board = ProviderBoard(policy: policy, breakers: breakers, holds: holds ?? [], now: now)
      switch format {
      case .json: try Output.json(board.rows)
      case .table: board.table.print()
      }
      for provider in holds == nil ? [] : board.differing { StandardError.line("tollway: \(provider)") }
    }

    /// Who holds what, and why; nil where the ledger does not lie here, which is said: the states do not need it.
    private static func holds(_ settings: Settings) async throws -> [ProviderHold]? {
      do {
        return try await ProviderHolds(in: try Ledger.openExisting(settings)).list()
      } catch let error as LedgerError where error.code == .absent {
        StandardError.line("tollway: who holds what, and why, is not known: \(error.message)")
        return nil
      }
    }
  }

  struct Hold: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take a provider out of service until it is released.",
      discussion: "Calls that are under way go on. Jobs take the next provider of their tier, or wait.")

    @OptionGroup var settings: Settings
    @Argument(help: "A provider of the policy file.") var provider: String
    @OptionGroup var note: ChangeNote

    func run() async throws {
      let policy = try RuleBook.policy(at: try settings.policyPath())
      let wires = try Wires.forCommand("providers", settings)
      let (hold, isNew) = try await wires.acts(on: try await Ledger.openOrMake(settings), policy)
        .hold(provider, note.act)
      await wires.close()
      Output.line(
        isNew
          ? "\(provider) is held: no job goes there until tollway providers release \(provider)"
          : "nothing changed, \(provider) is held already, since \(hold.since) by \(hold.by.printable)")
    }
  }

  struct Release: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let a provider serve again, whatever it was held or rests for, its models too.")

    @OptionGroup var settings: Settings
    @Argument(help: "A provider of the policy file, or one that is still held.") var provider: String
    @OptionGroup var note: ChangeNote

    func run() async throws {
      let policy = try RuleBook.policy(at: try settings.policyPath())
      let wires = try Wires.forCommand("providers", settings)
      let release = try await wires.acts(on: try Ledger.openExisting(settings), policy).release(provider, note.act)
      await wires.close()
      let now = Wires.now()
      switch release {
      case .held(let hold): Output.line("\(provider) serves again, after \(hold.since.words(until: now)) of being held")
      case .rested: Output.line("\(provider) serves again; what it rested for was forgotten")
      case .nothing: Output.line("nothing changed, \(provider) was neither held nor resting")
      }
    }
  }
}
