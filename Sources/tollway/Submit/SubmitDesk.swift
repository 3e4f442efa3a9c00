import Catalog
import Contracts
import Lanes

/// Publishes jobs for `tollway submit`, waits for their results if asked to, and prints what became of them.
struct SubmitDesk {
  private static let batchCount = 500
  private static let batchBytes = 4 << 20

  let wires: Wires
  let format: Format
  /// From the moment the last job was confirmed.
  let timeout: Duration

  // MARK: one job

  func submit(_ draft: JobDraft, policy: Policy, waiting: Bool) async throws {
    let body = try draft.encoded()
    let tier = policy.effectiveTier(assigned: nil, claimed: draft.tier)
    var submission = Submission(id: draft.id, body: body, lane: tier.lane)
    guard waiting else {
      try await publish([submission])
      return try report(submission, tier: tier.code)
    }
    let result = try await wires.broker.withListener { listener in
      submission.replyTo = listener.queue
      try await publish([submission])
      return try await first(of: listener, job: draft.id)
    }
    guard let result else {
      throw CommandFailure(
        .failed, "job \(draft.id): no result within \(timeout)",
        "it goes on: the same command with --id \(draft.id) hears of it; tollway dead show \(draft.id) if its id was taken"
      )
    }
    switch format {
    case .json: Output.line(result.json)
    case .table: result.facts.print()
    }
    guard result.status == .succeeded else {
      throw CommandFailure(
        .failed, "job \(draft.id) ended \(result.status.rawValue)",
        "tollway dead show \(draft.id), or tollway blocked show \(draft.id), may know more")
    }
  }

  private func report(_ submission: Submission, tier: String) throws {
    switch format {
    case .json: try Output.json(["id": submission.id, "lane": submission.lane.rawValue, "tier": tier])
    case .table: Output.line("submitted \(submission.id) to lane \(submission.lane.rawValue)")
    }
  }

  private func first(of listener: Listener, job id: String) async throws -> JobResult? {
    var found: JobResult?
    try await collect(from: listener) { result in
      if result.jobID == id { found = result }
      return found == nil
    }
    return found
  }

  // MARK: a file

  func submit(_ file: JobFile, waiting: Bool) async throws {
    let total = try file.check()
    guard waiting else {
      let published = try await publish(file, total: total, replyTo: nil)
      return try SubmitSummary(published: published).print(format)
    }
    let summary = try await wires.broker.withListener { listener in
      var summary = SubmitSummary(published: try await publish(file, total: total, replyTo: listener.queue))
      var bar = ProgressBar("finished", total: total)
      try await collect(from: listener) { result in
        summary.count(result)
        bar.advance(to: total - summary.open.count)
        return !summary.open.isEmpty
      }
      bar.stop()
      return summary
    }
    try summary.print(format)
    if let failure = summary.failure(timeout) { throw failure }
  }

  private func publish(_ file: JobFile, total: Int, replyTo: String?) async throws -> PublishedFile {
    try await wires.broker.withCourier { courier in
      var published = PublishedFile()
      var batch: [Dispatch] = []
      var bytes = 0
      var bar = ProgressBar("submitted", total: total)
      func flush() async throws {
        guard !batch.isEmpty else { return }
        do {
          try await courier.send(batch)
        } catch {
          bar.stop()
          StandardError.line(
            "tollway: \(published.confirmed) of \(total) jobs are confirmed, the rest may or may not be")
          throw error
        }
        published.confirmed += batch.count
        (batch, bytes) = ([], 0)
        bar.advance(to: published.confirmed)
      }
      var entries = try file.entries(at: Wires.now())
      while let entry = try entries.next() {
        let submission = Submission(id: entry.id, body: entry.body, lane: entry.lane, replyTo: replyTo)
        batch.append(submission.dispatch(in: wires.topology, at: Wires.now()))
        published.lanes[entry.lane, default: 0] += 1
        if replyTo != nil { published.ids.insert(entry.id) }
        bytes += entry.body.count
        if batch.count >= Self.batchCount || bytes >= Self.batchBytes { try await flush() }
      }
      try await flush()
      return published
    }
  }

  // MARK: both

  private func publish(_ submissions: [Submission]) async throws {
    let dispatches = submissions.map { $0.dispatch(in: wires.topology, at: Wires.now()) }
    try await wires.broker.withCourier { courier in try await courier.send(dispatches) }
  }

  /// Hears results until `more` says no or the time is over.
  private func collect(from listener: Listener, _ more: (JobResult) -> Bool) async throws {
    let alarm = Task {
      do { try await Task.sleep(for: timeout) } catch { return }
      listener.end()
    }
    defer { alarm.cancel() }
    while true {
      let heard = await listener.next()
      if heard.isEmpty { break }
      for message in heard {
        guard let result = JobResult(message.body) else { continue }
        if !more(result) { return }
      }
    }
    if let fault = listener.fault { throw fault }
  }
}
