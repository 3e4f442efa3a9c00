package import Contracts
import Redis

// What the fleet knows of its providers: who rests, who may probe, who was taken out by hand.

extension AdmissionDesk {
  /// Tells what calls came to, and returns the changes that followed: each is told to one caller only. A report whose
  /// outcome is unknown is better left out than repeated: repeating it counts its calls twice.
  package func report(_ reports: [BreakerReport]) async throws(AdmissionError) -> [BreakerChange] {
    guard !reports.isEmpty else { return [] }
    var call = call(AdmissionScripts.breaker, 64 + reports.count * 128)
    for report in reports {
      call = call.arg(report.scope).arg(Int64(report.successes)).arg(Int64(report.failures))
        .arg(report.shut?.rawValue ?? "").arg(report.pause.map { String($0.milliseconds) } ?? "")
        .arg(report.probe ?? "")
    }
    return try await run([call], BreakerChange.all(reading:))[0]
  }

  /// Whether this caller may make the call that tries whether a resting scope serves again. What it came to is to be
  /// reported with the same holder; without a report another one may have it after `length`, at most 10 min.
  package func takeProbe(
    _ scope: String, holder: String, length: Duration, yielding: Duration = .zero
  ) async throws(AdmissionError) -> Bool {
    let call = call(AdmissionScripts.probe, 256).arg(scope).arg(holder).arg(length.milliseconds)
      .arg(yielding.milliseconds)
    return try await run([call]) { $0.int.map { $0 == 1 } }[0]
  }

  /// Takes a scope out of service until it is released. Nil when it was out by hand already.
  @discardableResult
  package func hold(_ scope: String) async throws(AdmissionError) -> BreakerChange? {
    try await setByHand(scope, isHeld: true)
  }

  /// Lets a scope serve again, whatever it rested for. Nil when it was serving.
  @discardableResult
  package func release(_ scope: String) async throws(AdmissionError) -> BreakerChange? {
    try await setByHand(scope, isHeld: false)
  }

  /// What does not serve, by scope.
  package func breakers() async throws(AdmissionError) -> (now: Timestamp, [String: BreakerState]) {
    let replies = try await send([RedisCommand("TIME"), RedisCommand("HGETALL").arg(keys.breakers)])
    let now = try Timestamp(readingTIME: replies[0])
    return (now, BreakerState.all(reading: replies[1], at: now))
  }

  private func setByHand(_ scope: String, isHeld: Bool) async throws(AdmissionError) -> BreakerChange? {
    let call = call(AdmissionScripts.byHand, 256).arg(scope).arg(isHeld ? "1" : "0")
    let word = try await run([call]) { $0.string }[0]
    let change = BreakerChange(
      scope: scope, from: BreakerState.Reason(rawValue: word), to: isHeld ? .hand : nil)
    return change.from == change.to ? nil : change
  }
}

extension BreakerChange {
  /// Scope, reason before, reason now, in a row.
  fileprivate static func all(reading value: RedisValue) -> [BreakerChange]? {
    guard let parts = value.array, parts.count % 3 == 0 else { return nil }
    return stride(from: 0, to: parts.count, by: 3).map { index in
      BreakerChange(
        scope: parts[index].string ?? "",
        from: parts[index + 1].string.flatMap(BreakerState.Reason.init(rawValue:)),
        to: parts[index + 2].string.flatMap(BreakerState.Reason.init(rawValue:)))
    }
  }
}
