import Admission
import ArgumentParser
import Contracts
import Lanes
import Operations

/// `tollway cancel`: ends a job before its time.
struct CancelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "End a job: one that waits at once, one that runs within two seconds.",
    discussion: """
      A call that is under way is broken off; what it may have cost is booked. Jobs that wait for the cancelled one fail. \
      A blocked job is cancelled too: its letter stays among the blocked ones and is dropped when it is released. Ends \
      with 0 when the job is cancelled, with 1 when it is not known or had ended before.
      """)

  @OptionGroup var settings: Settings
  @Argument(help: "The job's id.") var job: String
  @OptionGroup var change: ChangeNote
  @Option(help: "table or json.") var format = Format.table

  private var note: String { change.act.text }

  func validate() throws {
    guard Identifier.isValid(job) else {
      throw ValidationError("the job: 1 to 128 characters of A-Z a-z 0-9 . _ : @ -")
    }
    guard note.utf8.count <= Canceller.mostNote, note.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
      throw ValidationError("--by and --reason: at most \(Canceller.mostNote) bytes without control characters")
    }
  }

  func run() async throws {
    let wires = try Wires.forCommand("cancel", settings)
    let (audit, unkept) = await Audit.found(settings)
    let outcome = try await wires.broker.withCourier { courier in
      let canceller = Canceller(
        desk: wires.desk, post: wires.broker.postOffice(), now: Wires.now, send: { try await courier.send($0) })
      return try await canceller.cancel(job, change.act, audit)
    }
    await wires.close()
    unkept.map(Audit.say)
    switch outcome {
    case .cancelled: try tell("cancelled")
    case .cancelledBefore: try tell("was cancelled before")
    case .ended(let status):
      throw CommandFailure(
        .failed, "\(job) had ended: \(status.rawValue)", "tollway explain \(job) says how and what it cost")
    case .unknown:
      throw CommandFailure(
        .failed, "\(job) is not known: never published, not yet delivered, or forgotten after its time",
        "tollway lanes shows what no worker has taken yet")
    case .pending:
      throw CommandFailure(
        .unreachable, "\(job) runs, and its worker has not answered yet",
        "it is not begun again: it ends as soon as its worker, or who takes it over, hears of this; ask again to see")
    }
  }

  private func tell(_ word: String) throws {
    switch format {
    case .json: try Output.json(["job": job, "state": "cancelled"])
    case .table: Output.line("\(job) \(word)")
    }
  }
}
