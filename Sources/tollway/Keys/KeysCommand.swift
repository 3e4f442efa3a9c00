import ArgumentParser
import Billing
import Contracts

/// `tollway keys`: who may come in at the gateway.
struct KeysCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys", abstract: "Make, list and revoke the API keys of the gateway.",
    discussion: """
      A key says what may be done (submit, read, admin, which includes the others) and for which users. Its secret is \
      shown once, when it is made. Every change is kept, with who and why.
      """,
    subcommands: [KeyCreateCommand.self, List.self, KeyRevokeCommand.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "All keys, the revoked ones included, without secrets.")

    @OptionGroup var settings: Settings
    @Option(help: "table or json.") var format = Format.table

    func run() async throws {
      let keys = try await Keys(in: try Ledger.openExisting(settings)).list()
      switch format {
      case .json: try Output.json(keys.map(KeyRow.init))
      case .table where keys.isEmpty:
        StandardError.line("there is no key: a gateway serves this machine only; tollway keys create makes one")
      case .table:
        var table = Table(["KEY", "NAME", "SCOPES", "USERS", "CREATED", "BY", "REVOKED", "REASON"])
        for row in keys.map(KeyRow.init) {
          table.add(
            "\(row.id)", "\(row.name)", "\(row.scopes.joined(separator: ","))", "\(row.users)", "\(row.created)",
            "\(row.by)", .init(row.revoked), "\(row.reason)")
        }
        table.print()
      }
    }
  }
}

/// A key as JSON; what its secret is compared with is left out.
struct KeyRow: Encodable {
  let id, name: String
  let scopes: [String]
  let users, created, by, reason: String
  /// Since when; nil for a key that may come in.
  let revoked: String?

  init(_ issued: IssuedKey) {
    id = issued.key.id
    name = issued.key.name
    scopes = Scope.allCases.filter(issued.key.scopes.contains).map(\.rawValue)
    users = issued.key.users.description
    created = issued.createdAt.description
    by = issued.createdBy
    reason = issued.reason
    revoked = issued.revokedAt?.description
  }
}
