import ArgumentParser
import Billing
import Contracts
import Operations

/// `tollway keys revoke`: first the row in the ledger, then the copy in Redis, where it counts within a second.
struct KeyRevokeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke", abstract: "Refuse a key from now on, for ever.",
    discussion: "Every gateway follows within a second. Jobs that came in with the key go on.")

  @OptionGroup var settings: Settings
  @Argument(help: "The key's id, the part between the underscores of its secret; the whole secret will do.")
  var key: String
  @OptionGroup var note: ChangeNote

  func run() async throws {
    let wires = try Wires.forCommand("keys", settings)
    let copy = KeyCopy(in: try Ledger.openExisting(settings), desk: wires.desk)
    let found = try await copy.keys.revoke(APIKey.idMeant(by: key), by: note.author, reason: note.reason)
    guard let (revoked, isNew) = found else {
      // What was given may be a secret, or a part of one: it is not said again.
      throw CommandFailure(.failed, "there is no such key", "tollway keys list shows all")
    }
    // Also where it was revoked: an earlier try may have failed between the two.
    try await NotCopied.around { try await copy.write(revoked.key) }
    await wires.close()
    Output.line(
      isNew
        ? "key \(revoked.key.id) (\(revoked.key.name.printable)) is refused from now on"
        : "nothing changed, key \(revoked.key.id) was revoked already")
  }
}
