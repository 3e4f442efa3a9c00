import Admission
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
    let wires = try Wires.forCommand("users", settings)
    let ledger = try Ledger.openExisting(settings)
    let assignments = Assignments(in: ledger)
    let (period, standing) = await Self.standing(of: user, wires)
    await wires.close()
    let card = UserCard(
      user: user, assignment: try await assignments.assignment(of: user), policy: policy,
      month: try await ledger.userMonth(of: user, period: period) ?? UserMonth(userID: user, chargePeriod: period),
      standing: standing, changes: try await assignments.changes(of: user, limit: 10))
    switch format {
    case .json: try Output.json(card)
    case .table: card.print()
    }
  }

  /// The month by Redis' clock and what it stands at there; by this machine's clock and nil when Redis does not answer,
  /// which is said and no failure: the ledger has the rest.
  private static func standing(of user: String, _ wires: Wires) async -> (String, MonthStanding?) {
    do {
      let period = try await wires.desk.time().chargePeriod
      let (base, open) = try await wires.desk.standing(of: user, period: period)
      return (period, MonthStanding(base: base, open: open))
    } catch {
      StandardError.line("tollway: what is reserved is not known, Redis does not answer: \(error)")
      return (Wires.now().chargePeriod, nil)
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
  let limits: [UserLimit]
  let period: String
  /// From the ledger.
  let jobs: Int
  let costUsd: String
  let units: [String: String]
  /// From Redis; nil when it did not answer.
  let standing: MonthStanding?
  let changes: [Change]
  /// Whether a message may claim another tier.
  let mayClaimTier: Bool

  init(
    user: String, assignment: Assignment?, policy: Policy, month: UserMonth, standing: MonthStanding?,
    changes: [AssignmentChange]
  ) {
    let tier = policy.effectiveTier(assigned: assignment?.tier, claimed: nil)
    self.user = user
    assigned = assignment.map(AssignmentRow.init)
    self.tier = tier.code
    lane = tier.lane.rawValue
    limits = UserLimit.all(of: tier, assignment)
    period = month.chargePeriod
    jobs = month.jobs
    costUsd = month.amount.description
    units = Dictionary(uniqueKeysWithValues: month.units.map { ($0.key.rawValue, $0.value.description) })
    self.standing = standing
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
    facts.add("in \(period)", "\(jobs) jobs, \(Money(costUsd)?.inTable ?? costUsd) USD")
    for (unit, quantity) in units.sorted(by: { $0.key < $1.key }) { facts.add("", "\(quantity) \(unit)") }
    facts.print()
    Output.line("")
    var table = Table(["LIMIT", .number("VALUE"), "FROM"])
    for limit in limits {
      let value = limit.value.map { text in limit.name == "monthlyUsd" ? Money(text)?.inTable ?? text : text }
      table.add(.init(limit.name), .init(value), .init(limit.value == nil ? "" : limit.origin.rawValue))
    }
    table.print()
    if let standing {
      Output.line("")
      standing.print(period)
    }
    guard !changes.isEmpty else { return }
    Output.line("")
    var audit = Table(["CHANGED", "BY", "BEFORE", "AFTER", "REASON"])
    for change in changes {
      audit.add(
        "\(change.at)", "\(change.by)", .init(change.before?.text), .init(change.after?.text), "\(change.reason)")
    }
    audit.print()
  }
}

extension AssignmentChange.Grant {
  fileprivate var text: String {
    [tier ?? "", overrides.text].filter { !$0.isEmpty }.joined(separator: ", ")
  }
}
