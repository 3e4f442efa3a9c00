import ArgumentParser
import Lanes

/// `tollway topology`: the exchanges and queues of the fleet.
struct TopologyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "topology", abstract: "Declare or verify exchanges and queues.",
    subcommands: [Apply.self, Check.self])

  struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Declare what is missing.", discussion: "What exists stays as it is. May be run at any time.")

    @OptionGroup var settings: Settings
    @Option(help: "table or json.") var format = Format.table

    func run() async throws {
      let wires = try Wires.forCommand("topology", settings)
      let applied = try await wires.declareTopology()
      await wires.close()
      switch format {
      case .json: try Output.json(["created": applied.created])
      case .table:
        for name in applied.created { Output.line("created \(name)") }
        if applied.created.isEmpty { Output.line("nothing was missing") }
      }
    }
  }

  struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Verify and explain what is missing or unsafe.",
      discussion: "Changes nothing. Ends with 1 when anything is missing or unsafe.")

    @OptionGroup var settings: Settings
    @Option(help: "table or json.") var format = Format.table

    func run() async throws {
      let wires = try Wires.forCommand("topology", settings)
      let findings = try await wires.broker.withAdmin { admin in
        try await TopologyKeeper(topology: wires.topology, admin: admin).check()
      }
      try print(findings)
      let bad = findings.count { $0.severity != .note }
      guard bad == 0 else {
        throw CommandFailure(
          .failed, "topology: \(bad) of its exchanges and queues are missing or unsafe",
          "each line above ends with what to do")
      }
    }

    private func print(_ findings: [TopologyKeeper.Finding]) throws {
      switch format {
      case .json: try Output.json(findings.map(Row.init))
      case .table:
        for finding in findings {
          let colour: Style.Colour = finding.severity == .note ? .yellow : .red
          let severity = Style.output.paint(finding.severity.rawValue, colour)
          Output.line("\(severity) \(finding.subject): \(finding.message)")
          Output.line("  \(finding.remedy)")
        }
        if findings.isEmpty { Output.line("everything is there and as it should be") }
      }
    }
  }

  private struct Row: Encodable {
    let severity, subject, message, remedy: String

    init(_ finding: TopologyKeeper.Finding) {
      severity = finding.severity.rawValue
      subject = finding.subject
      message = finding.message
      remedy = finding.remedy
    }
  }
}
