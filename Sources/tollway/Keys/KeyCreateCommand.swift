import Admission
import ArgumentParser
import Billing
import Contracts
import Lanes
import Operations
import Redis

/// `tollway keys create`. The broker is told first that there are keys, then comes the row in the ledger, which is the
/// truth, then the copy in Redis, which gateways read.
struct KeyCreateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Make a key and print its secret, which is shown this once.",
    discussion: "Standard output has the secret and nothing else: KEY=$(tollway keys create ...).")

  @OptionGroup var settings: Settings
  @Option(help: "What the key is for, in a few words.") var name: String
  @Option(help: "What it may do, separated by commas: submit, read, admin.") var scopes: String
  @Option(help: "For which users: one id, all that begin alike ('team-*'), or everybody ('*').") var users: String
  @OptionGroup var note: ChangeNote
  @Option(help: "table or json.") var format = Format.table

  func validate() throws {
    guard (1...Keys.maximumNameLength).contains(name.utf8.count) else {
      throw ValidationError("--name: 1 to \(Keys.maximumNameLength) bytes")
    }
    let names = scopes.split(separator: ",", omittingEmptySubsequences: false)
    guard names.allSatisfy({ Scope(rawValue: String($0)) != nil }) else {
      throw ValidationError("--scopes: a list of \(Scope.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    guard UserPattern(users) != nil else {
      throw ValidationError("--users: a user id, the beginning of one with a star behind it, or a star")
    }
  }

  func run() async throws {
    guard let users = UserPattern(users) else { return }  // validated
    let wires = try Wires.forCommand("keys", settings)
    let (key, secret) = APIKey.make(
      name: name, scopes: Set(scopes.split(separator: ",").compactMap { Scope(rawValue: String($0)) }), users: users)
    let copy = KeyCopy(in: try await Ledger.openOrMake(settings), desk: wires.desk)
    _ = try await wires.redis.connect()
    try await wires.broker.noteKeys()
    let issued = try await copy.keys.add(key, by: note.author, reason: note.reason)
    switch format {
    case .json: try Output.json(NewKey(secret: secret, key: KeyRow(issued)))
    case .table:
      Output.line(secret)
      StandardError.line("tollway: key \(key.id) is made; its secret is not kept anywhere and is not shown again")
    }
    do {
      try await copy.write(key)
    } catch let error as AdmissionError {
      var failure = CommandFailure.redis(error)
      failure.happened = "the key is in the ledger, but gateways cannot see it yet: \(failure.happened)"
      failure.remedy = "tollway billing copies it within half a minute after Redis answers"
      throw failure
    }
    await wires.close()
  }

  private struct NewKey: Encodable {
    let secret: String
    let key: KeyRow
  }
}
