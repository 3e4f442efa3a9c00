import ArgumentParser
import Billing
import Contracts

extension LedgerCommand {
  /// `tollway ledger quarantine`: what could not be booked.
  struct Quarantine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the cost events that could not be booked, with the reasons, newest first.",
      discussion: """
        What was booked first under an id stands. The id is what the event claims; bodies are not shown, the ledger \
        keeps their first 16 KiB in quarantined_event.
        """)

    @OptionGroup var settings: Settings
    @Option(help: "At most so many, 1 to 10000.") var limit = 100
    @Option(help: "table or json.") var format = Format.table

    func validate() throws {
      guard (1...10_000).contains(limit) else { throw ValidationError("--limit: 1 to 10000") }
    }

    func run() async throws {
      let events = try await Ledger.openExisting(settings).quarantine(limit: limit)
      try QuarantineSheet(events).show(format)
    }
  }
}

private struct QuarantineSheet: Encodable {
  struct Row: Encodable {
    let number: Int64
    let id: String?
    let reason, receivedAt: String
    let bytes: Int
  }

  let events: [Row]

  init(_ events: [QuarantinedEvent]) {
    self.events = events.map {
      Row(
        number: $0.number, id: $0.eventID, reason: $0.reason, receivedAt: $0.receivedAt.description, bytes: $0.bytes)
    }
  }

  func show(_ format: Format) throws {
    guard format == .table else { return try Output.json(self) }
    var table = Table([.number("NUMBER"), "ID", "REASON", "RECEIVED AT", .number("BYTES")])
    for row in events {
      table.add(.init("\(row.number)"), .init(row.id), .init(row.reason), .init(row.receivedAt), .init(row.bytes))
    }
    table.print()
  }
}
