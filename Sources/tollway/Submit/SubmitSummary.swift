import Contracts

/// What became of the jobs of a file.
struct SubmitSummary: Encodable {
  let submitted: Int
  let lanes: [String: Int]
  private(set) var statuses: [String: Int] = [:]
  private(set) var costUsd = Money.zero
  /// Without a result yet.
  private(set) var open: Set<String>

  init(published: PublishedFile) {
    submitted = published.confirmed
    lanes = Dictionary(uniqueKeysWithValues: published.lanes.map { ($0.key.rawValue, $0.value) })
    open = published.ids
  }

  /// A result may come twice; only the first counts.
  mutating func count(_ result: JobResult) {
    guard open.remove(result.jobID) != nil else { return }
    statuses[result.status.rawValue, default: 0] += 1
    costUsd = costUsd + result.cost
  }

  func print(_ format: Format) throws {
    guard format == .table else { return try Output.json(self) }
    var table = Table(["LANE", .number("JOBS")])
    for lane in Lane.allCases { if let count = lanes[lane.rawValue] { table.add("\(lane.rawValue)", .init(count)) } }
    table.print()
    Output.line("\nsubmitted \(submitted) jobs")
    for status in RunStatus.allCases {
      guard let count = statuses[status.rawValue] else { continue }
      Output.line(Style.output.paint("\(status.rawValue) \(count)", status == .succeeded ? .green : .red))
    }
    if !statuses.isEmpty { Output.line("cost \(costUsd.inTable) USD") }
  }

  func failure(_ timeout: Duration) -> CommandFailure? {
    if !open.isEmpty {
      return CommandFailure(
        .failed, "\(open.count) of \(submitted) jobs have no result within \(timeout)",
        "they go on; tollway lanes shows what waits, a greater --timeout waits longer")
    }
    let bad = submitted - (statuses[RunStatus.succeeded.rawValue] ?? 0)
    guard bad > 0 else { return nil }
    return CommandFailure(
      .failed, "\(bad) of \(submitted) jobs did not succeed", "tollway dead list and tollway blocked list say why")
  }

  private enum CodingKeys: String, CodingKey { case submitted, lanes, statuses, costUsd, open }

  func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(submitted, forKey: .submitted)
    try members.encode(lanes, forKey: .lanes)
    guard !statuses.isEmpty || !open.isEmpty else { return }
    try members.encode(statuses, forKey: .statuses)
    try members.encode(costUsd.description, forKey: .costUsd)
    try members.encode(open.count, forKey: .open)
  }
}

/// What was confirmed of a file.
struct PublishedFile {
  var confirmed = 0
  var lanes: [Lane: Int] = [:]
  /// Of the jobs whose results are waited for.
  var ids: Set<String> = []
}
