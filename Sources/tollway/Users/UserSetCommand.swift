import ArgumentParser
import Billing
import Catalog
import Contracts
import Foundation
import Operations

/// `tollway users set`: lay down a tier or limits. Workers read them with the next job, and waiting jobs are judged anew.
struct UserSetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Lay down a tier or limits for one user.",
    discussion: """
      What is not named stays as it was laid down before; what was never laid down follows the tier. It counts at \
      once: waiting jobs are judged anew, running ones go on.
      """)

  @OptionGroup var settings: Settings
  @OptionGroup var argument: UserArgument
  @Option(help: "A tier or alias of the policy.") var tier: String?
  @OptionGroup var limits: LimitOptions
  @OptionGroup var note: ChangeNote
  @Option(help: "table or json.") var format = Format.table

  func validate() throws {
    guard tier != nil || !limits.isEmpty else {
      throw ValidationError(
        "name at least one of --tier, --concurrency, --monthly-usd, --hard-stop, --tokens, "
          + "--audio-seconds, --video-minutes, --jobs, --rpm, --rps and --burst")
    }
  }

  func run() async throws {
    let policy = try RuleBook.policy(at: try settings.policyPath())
    if let tier, policy.tier(named: tier) == nil { throw ValidationError("--tier: one of \(policy.tierNames)") }
    let wires = try Wires.forCommand("users", settings)
    let acts = wires.acts(on: try await Ledger.openOrMake(settings), policy)
    let before = try await acts.assignment(of: argument.user)
    let assignment = try await acts.assign(
      argument.user, tier: tier ?? before?.tier, overrides: limits.laid(over: before?.overrides ?? .none), note.act)
    await wires.close()
    switch format {
    case .json: try Output.json(AssignmentRow(assignment))
    case .table: UsersCommand.List.table([assignment]).print()
    }
  }
}

/// `tollway users unset`: take back what was laid down.
struct UserUnsetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unset", abstract: "Take back whatever was laid down for one user.")

  @OptionGroup var settings: Settings
  @OptionGroup var argument: UserArgument
  @OptionGroup var note: ChangeNote

  func run() async throws {
    let wires = try Wires.forCommand("users", settings)
    let acts = wires.acts(on: try Ledger.openExisting(settings), settings)
    let wasThere = try await acts.unassign(argument.user, note.act)
    await wires.close()
    guard wasThere else {
      throw CommandFailure(
        .failed, "nothing is laid down for \(argument.user)", "tollway users list shows everybody for whom there is")
    }
    Output.line("\(argument.user) has the limits of the tier again")
  }
}

/// Who changes something and why, for the audit.
struct ChangeNote: ParsableArguments {
  @Option(help: "Who changes it; default is the name of the login.") var by: String?
  @Option(help: "Why, in a few words.") var reason = ""

  var author: String { Self.author(by) }

  static func author(_ name: String?) -> String {
    let login = NSUserName()
    return name ?? (login.isEmpty ? "unknown" : login)
  }

  var act: ActNote { ActNote(by: author, reason: reason, surface: .cli) }
}
