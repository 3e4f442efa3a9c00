import Admission
import ArgumentParser
import Contracts
import Operations

/// `tollway explain`: why a job does not run, and when it will.
struct ExplainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Show one job: state, the limit that binds, who holds the slots, position, expected start.",
    discussion: """
      Asks Redis and changes nothing. The expected start is an estimate: what the user's runs and starts took on \
      average, times the position in line. Ends with 1 for a job that is not known.
      """)

  @OptionGroup var settings: Settings
  @Argument(help: "The job's id.") var job: String
  @Option(help: "table or json.") var format = Format.table

  func validate() throws {
    guard Identifier.isValid(job) else {
      throw ValidationError("the job: 1 to 128 characters of A-Z a-z 0-9 . _ : @ -")
    }
  }

  func run() async throws {
    let wires = try Wires.forCommand("explain", settings)
    let standing = try await wires.desk.explain(job)
    let figures = try await wires.desk.fleetFigures()
    await wires.close()
    guard let standing else {
      if format == .json { try Output.json(Explanation(unknown: job, at: figures.at)) }
      throw CommandFailure(
        .failed, "\(job) is not known: never published, not yet delivered, or forgotten after its time",
        "tollway lanes shows what no worker has taken yet; tollway dead show and blocked show look among the letters")
    }
    let explanation = Explanation(job, standing, figures)
    switch format {
    case .json: try Output.json(explanation)
    case .table: for line in explanation.lines(.output) { Output.line(line) }
    }
  }
}
