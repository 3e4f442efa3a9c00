import ArgumentParser
import Catalog
import Contracts

/// `tollway policy`: the policy file.
struct PolicyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy", abstract: "Lint the policy file.", subcommands: [Check.self])

  struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Find every mistake in a policy file.",
      discussion: "Ends with 1 when a worker would refuse the file; warnings alone end with 0.")

    @OptionGroup var settings: Settings
    @Argument(help: "The file; default is the one in force.") var file: String?
    @Option(help: "table or json.") var format = Format.table

    func run() async throws {
      let path = try file ?? settings.policyPath()
      let text = try RuleBook.text(at: path, else: PolicyFile.builtIn)
      var lint = Lint(subject: path ?? "the built-in policy")
      do throws(FileFault) {
        lint.warn(try PolicyFile.read(text: text).1)
      } catch {
        lint.fail(error)
      }
      try lint.print(format)
    }
  }
}

/// What is wrong with a file, one finding a line.
struct Lint {
  struct Finding: Encodable {
    let severity, path, message: String
    let line: Int?
  }

  let subject: String
  private(set) var findings: [Finding] = []
  private var errors = 0

  init(subject: String) { self.subject = subject }

  mutating func warn(_ notices: [FileNotice]) {
    findings += notices.map { Finding(severity: "warning", path: $0.path, message: $0.message, line: $0.line) }
  }

  mutating func warn(_ path: String, _ message: String) {
    findings.append(Finding(severity: "warning", path: path, message: message, line: nil))
  }

  mutating func fail(_ fault: FileFault) {
    errors += fault.notices.count
    findings += fault.notices.map { Finding(severity: "error", path: $0.path, message: $0.message, line: $0.line) }
  }

  func print(_ format: Format) throws {
    switch format {
    case .json: try Output.json(findings)
    case .table:
      for finding in findings {
        let severity = Style.output.paint(finding.severity, finding.severity == "error" ? .red : .yellow)
        let place = FileNotice(path: finding.path, message: finding.message, line: finding.line)
        Output.line("\(severity): \(place.description.printable)")
      }
      if findings.isEmpty { Output.line("\(subject): nothing found") }
    }
    guard errors == 0 else {
      throw CommandFailure(
        .failed, "\(subject): \(errors) errors", "correct the lines above; the old file stays in force")
    }
  }
}
