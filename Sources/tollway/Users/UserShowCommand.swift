import ArgumentParser
import Billing
import Catalog
import Contracts

/// `tollway users show`: what one user is granted, and has used this month.
struct UserShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "What one user is granted, this month's use, and the last changes.",
    discussion: "A user for whom nothing is laid down has the tier of the message, or the default tier.")

  @OptionGroup var settings: Settings
  @OptionGroup var argument: UserArgument
  @Option(help: "table or json.") var format = Format.table

  func run() async throws {
    let user = argument.user
    let policy = try RuleBook.policy(at: try settings.policyPath())
    let ledger = try Ledger.open(settings)
    let assignments = Assignments(in: ledger)
    let period = Wires.now().chargePeriod
    let card = UserCard(
      user: user, assignment: try await assignments.assignment(of: user), policy: policy,
      month: try await ledger.userMonth(of: user, period: period) ?? UserMonth(userID: user, chargePeriod: period),
      changes: try await assignments.changes(of: user, limit: 10))
    switch format {
    case .json: try Output.json(card)
    case .table: card.print()
    }
  }
}

/// Everything about one user.
struct UserCard: Encodable {
  struct Change: Encodable {
    let at, by, reason: String
    let before, after: AssignmentChange.Grant?
  }

  let user: String
  /// What is laid down; nil where nothing is.
  let assigned: AssignmentRow?
  /// The tier that counts where the message claims none.
  let tier: String
  let lane: String
  let concurrency: Int
  let monthlyUsd: String?
  let period: String
  let jobs: Int
  let costUsd: String
  let units: [String: String]
  let changes: [Change]
  /// Whether a message may claim another tier.
  let mayClaimTier: Bool

  init(user: String, assignment: Assignment?, policy: Policy, month: UserMonth, changes: [AssignmentChange]) {
    let granted = policy.effectiveTier(assigned: assignment?.tier, claimed: nil)
    self.user = user
    assigned = assignment.map(AssignmentRow.init)
    tier = granted.code
    lane = granted.lane.rawValue
    concurrency = assignment?.overrides.concurrency ?? granted.concurrency
    monthlyUsd = (assignment?.overrides.monthlyUsd ?? granted.costCap?.monthly)?.description
    period = month.chargePeriod
    jobs = month.jobs
    costUsd = month.amount.description
    units = Dictionary(uniqueKeysWithValues: month.units.map { ($0.key.rawValue, $0.value.description) })
    mayClaimTier = policy.trustsMessageTier && assignment?.tier.flatMap { policy.tier(named: $0) } == nil
    self.changes = changes.map {
      Change(at: $0.changedAt.description, by: $0.changedBy, reason: $0.reason, before: $0.before, after: $0.after)
    }
  }

  func print() {
    var facts = Facts()
    facts.add("user", user)
    facts.add("tier", mayClaimTier ? "\(tier), unless the message claims another" : tier)
    facts.add("lane", lane)
    facts.add("concurrency", "\(concurrency)" + (assigned?.overrides.concurrency == nil ? "" : " (laid down)"))
    facts.add(
      "monthly cap",
      monthlyUsd.map {
        "\(Money($0)?.inTable ?? $0) USD" + (assigned?.overrides.monthlyUsd == nil ? "" : " (laid down)")
      })
    facts.add("in \(period)", "\(jobs) jobs, \(Money(costUsd)?.inTable ?? costUsd) USD")
    for (unit, quantity) in units.sorted(by: { $0.key < $1.key }) { facts.add("", "\(quantity) \(unit)") }
    facts.print()
    guard !changes.isEmpty else { return }
    Output.line("")
    var table = Table(["CHANGED", "BY", "BEFORE", "AFTER", "REASON"])
    for change in changes {
      table.add(
        "\(change.at)", "\(change.by)", .init(change.before?.text), .init(change.after?.text), "\(change.reason)")
    }
    table.print()
  }
}

extension AssignmentChange.Grant {
  fileprivate var text: String {
    let parts = [
      tier, overrides.concurrency.map { "concurrency \($0)" }, overrides.monthlyUsd.map { "\($0.inTable) USD" },
    ].compactMap { $0 }
    return parts.joined(separator: ", ")
  }
}
