import ArgumentParser
import Catalog
import Contracts
import Foundation
import Lanes

/// `tollway submit`: publish one job, or a file of them.
struct SubmitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit", abstract: "Publish a job, or a file of jobs, confirmed by the broker.",
    discussion: """
      tollway submit --user ana --task tts --text "Once upon a time" --wait
      tollway submit --file jobs.ndjson

      With --wait it ends with 1 when a job did not succeed. A job that is submitted again under its --id is not run \
      again; its result is told again.
      """)

  @OptionGroup var settings: Settings
  @Option(help: "Whose job it is.") var user: String?
  @Option(help: "\(TaskType.allCases.map(\.rawValue).joined(separator: ", ")).") var task: String?
  @Option(help: "A tier or alias of the policy; default is the policy's.") var tier: String?
  @Option(help: "Of the job; default is a new one.") var id: String?
  @Option(help: "What to speak, ask, draw or embed.") var text: String?
  @Option(help: "The payload, a JSON object.") var payload: String?
  @Option(help: "A file with the payload.") var payloadFile: String?
  @Option(help: "A file of job messages, one a line.") var file: String?
  @Option(help: "What reports may group it by.") var series: String?
  @Option(help: "The model to use, if the tier may.") var model: String?
  @Option(name: .customLong("max-cost-usd"), help: "The most it may cost at worst, in dollars.") var maxCost: String?
  @Option(help: "Not to be started earlier, RFC 3339.") var notBefore: String?
  @Option(help: "Not to be started later, RFC 3339.") var deadline: String?
  @Flag(help: "Wait for the result and print it.") var wait = false
  @Option(help: "How long to wait, like 60s.") var timeout = "60s"
  @Option(help: "table or json.") var format = Format.table

  func validate() throws {
    guard Duration(reading: timeout) != nil else { throw ValidationError("--timeout: write a duration like 60s") }
    let sources = [text, payload, payloadFile, file].compactMap { $0 }.count
    guard sources == 1 else {
      throw ValidationError("give exactly one of --text, --payload, --payload-file and --file")
    }
    if file != nil {
      let ofOneJob = [user, task, tier, id, series, model, maxCost, notBefore, deadline].compactMap { $0 }
      guard ofOneJob.isEmpty else { throw ValidationError("--file: its lines say everything about each job") }
      return
    }
    guard let user, Identifier.isValid(user) else {
      throw ValidationError("--user: 1 to 128 characters of A-Z a-z 0-9 . _ : @ -")
    }
    guard task.flatMap({ TaskType(rawValue: $0) }) != nil else {
      throw ValidationError("--task: one of \(TaskType.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    if let id, !Identifier.isValid(id) {
      throw ValidationError("--id: 1 to 128 characters of A-Z a-z 0-9 . _ : @ -")
    }
  }

  func run() async throws {
    let wires = try Wires.forCommand("submit", settings)
    let policy = try RuleBook.policy(at: try settings.policyPath())
    let desk = SubmitDesk(wires: wires, format: format, timeout: Duration(reading: timeout) ?? .seconds(60))
    if let file {
      try await desk.submit(JobFile(path: file, policy: policy), waiting: wait)
    } else {
      try await desk.submit(try draft(policy), policy: policy, waiting: wait)
    }
  }

  private func draft(_ policy: Policy) throws -> JobDraft {
    guard let user, let task, let type = TaskType(rawValue: task) else { fatalError("Bug: not validated") }
    if let tier, policy.tier(named: tier) == nil {
      throw ValidationError("--tier: one of \(policy.tierNames)")
    }
    return JobDraft(
      id: id ?? JobID.fresh(at: Wires.now()), user: user, task: task, payload: try payloadBytes(type), tier: tier,
      series: series, model: model, notBefore: notBefore, deadline: deadline, maximumCost: maxCost)
  }

  private func payloadBytes(_ type: TaskType) throws -> [UInt8] {
    if let text { return JobDraft.payload(of: text, task: type) }
    if let payload { return Array(payload.utf8) }
    return Array(try RuleBook.text(at: payloadFile, else: "").utf8)
  }
}

extension Policy {
  /// Codes and aliases, for messages.
  var tierNames: String { (tiers.keys.sorted() + aliases.keys.sorted()).joined(separator: ", ") }
}
