import AMQP
package import Billing
package import Catalog
package import Lanes

/// Dead letters, or blocked jobs: what is done with either. Each call has connections of its own.
package struct Letters: Sendable {
  package let kind: LetterBox.Kind
  private let broker: LaneBroker
  private let turns: Turnstile

  /// - Parameter turns: of whoever looks at the same letters in one process: two that look at the same moment would each
  ///   see a part of them. A broker that is silent to one is silent to all.
  package init(
    _ kind: LetterBox.Kind, at broker: LaneBroker,
    turns: Turnstile = Turnstile(endsWaiting: {
      ($0 as? AMQPError).map { [.unreachable, .timeout].contains($0.code) } ?? false
    })
  ) {
    self.kind = kind
    self.broker = broker
    self.turns = turns
  }

  /// Oldest first.
  /// - Returns: `isAll`: there are no others.
  package func list(_ filter: LetterFilter, limit: Int) async throws -> (letters: [Letter], isAll: Bool) {
    try await turns.pass(.look) {
      try await broker.withLetterBox(kind) { box in try await box.list(filter, limit: limit) }
    }
  }

  /// Those of one job, a run each; none where there is no such job among them.
  package func find(_ job: String) async throws -> [(letter: Letter, body: [UInt8])] {
    try await turns.pass(.look) {
      try await broker.withLetterBox(kind) { box in try await box.letters(of: job) }
    }
  }

  /// Starts new runs, kept in the audit. When it fails, what was done until then is done.
  /// - Parameters:
  ///   - each: told of every chosen letter, after it happened.
  ///   - begin: runs once, just before the first message goes out; when it throws, nothing is done.
  package func replay(
    _ choice: LetterBox.Choice, _ policy: Policy, _ note: ActNote, _ audit: Audit,
    each: (Letter, LetterBox.Fate) -> Void = { _, _ in }, begin: () async throws -> Void = {}
  ) async throws -> LetterReport {
    var report = LetterReport()
    let row = try await audit.begin(kind.act, on: choice.target, note)
    var fault: (any Error)?
    do {
      try await turns.pass(.change) {
        try await start(choice, policy, begin) { letter, fate in
          report.count(letter, fate)
          each(letter, fate)
        }
      }
    } catch {
      fault = error
    }
    await audit.end(row, Intervention.Outcome(done: report.done, kept: report.kept))
    if let fault { throw fault }
    report.missing = choice.named.map { $0.subtracting(report.rows.map(\.id)).sorted() } ?? []
    return report
  }

  private func start(
    _ choice: LetterBox.Choice, _ policy: Policy, _ begin: () async throws -> Void,
    each: (Letter, LetterBox.Fate) -> Void
  ) async throws {
    try await broker.withLetterBox(kind) { box in
      try await broker.withCourier { courier in
        try await box.replay(
          choice, through: courier, lane: { policy.effectiveTier(assigned: nil, claimed: $0).lane }, each: each,
          begin: begin)
      }
    }
  }
}

extension LetterBox.Kind {
  fileprivate var act: Intervention.Act { self == .dead ? .deadReplay : .blockedRelease }
}

extension LetterBox.Choice {
  /// Ids of jobs; nil where a filter chooses.
  fileprivate var named: Set<String>? {
    switch self {
    case .ids(let ids): ids
    case .exactly(let keys): Set(keys.map(\.id))
    case .all: nil
    }
  }

  fileprivate var target: Intervention.Target {
    switch self {
    case .ids, .exactly: Intervention.Target(ids: (named ?? []).sorted())
    case .all(let filter): Intervention.Target(reasons: filter.reasons?.sorted(), userID: filter.userID)
    }
  }
}
