import ArgumentParser
import Billing
import Contracts
import Operations

/// `tollway users`: tiers and limits laid down for single users.
struct UsersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "users", abstract: "Show and change what single users are granted.",
    discussion:
      "What is laid down here outranks the tier that a message claims. Every change is kept, with who and why.",
    subcommands: [List.self, UserShowCommand.self, UserSetCommand.self, UserUnsetCommand.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Everybody for whom something is laid down.")

    @OptionGroup var settings: Settings
    @Option(help: "table or json.") var format = Format.table

    func run() async throws {
      let users = try await Assignments(in: try Ledger.openExisting(settings)).list()
      switch format {
      case .json: try Output.json(users.map(AssignmentRow.init))
      case .table where users.isEmpty:
        StandardError.line("nothing is laid down for anybody: all have their tier's limits")
      case .table: Self.table(users).print()
      }
    }

    static func table(_ users: [Assignment]) -> Table {
      var table = Table(["USER", "TIER", "LIMITS", "CHANGED", "BY", "REASON"])
      for user in users {
        let limits = user.overrides.text
        table.add(
          "\(user.userID)", .init(user.tier), .init(limits.isEmpty ? nil : limits), "\(user.changedAt)",
          "\(user.changedBy)", "\(user.reason)")
      }
      return table
    }
  }
}

/// The user id that the `users` commands are given.
struct UserArgument: ParsableArguments {
  @Argument(help: "The user's id.") var user: String

  func validate() throws {
    guard Identifier.isValid(user) else {
      throw ValidationError("the user: 1 to 128 characters of A-Z a-z 0-9 . _ : @ -")
    }
  }
}
