import Contracts
import Redis

// The forms that the headers of the scripts promise; nil for anything else.

extension AdmissionReply {
  init?(reading value: RedisValue) {
    guard let parts = value.array, let word = parts.first?.string else { return nil }
    func milliseconds(_ index: Int) -> Duration? {
      parts.count > index ? parts[index].int.map { .milliseconds($0) } : nil
    }
    switch word {
    case "admitted":
      guard parts.count >= 5, let run = parts[1].string, let attempt = parts[2].int, let active = parts[3].int,
        let now = parts[4].int
      else { return nil }
      self = .admitted(
        run: run, attempt: Int(attempt), active: Int(active), at: Timestamp(milliseconds: now),
        costs: parts.dropFirst(5).compactMap(\.bytes))
    case "full":
      guard parts.count == 4, let active = parts[1].int, let lease = milliseconds(2) else { return nil }
      self = .full(active: Int(active), lease: lease)
    case "running":
      guard let lease = milliseconds(1) else { return nil }
      self = .running(lease)
    case "orphan":
      guard parts.count == 4, let run = parts[1].string, let attempt = parts[2].int, let intent = parts[3].bytes else {
        return nil
      }
      self = .orphan(run: run, attempt: Int(attempt), intent: intent)
    case "finished":
      guard let run = FinishedRun(reading: parts) else { return nil }
      self = .finished(run)
    case "conflict": self = .conflict
    case "exhausted":
      guard parts.count >= 4, let run = parts[1].string, let attempt = parts[2].int else { return nil }
      self = .exhausted(
        run: run, attempt: Int(attempt), lastWasUnknown: parts[3].string == "1",
        costs: parts.dropFirst(4).compactMap(\.bytes))
    case "idle":
      guard parts.count >= 3, let run = parts[1].string, let attempt = parts[2].int else { return nil }
      self = .idle(
        run: run.isEmpty ? nil : run, attempt: Int(attempt), costs: parts.dropFirst(3).compactMap(\.bytes))
    case "hold":
      guard let time = milliseconds(1) else { return nil }
      self = .hold(time)
    default: return nil
    }
  }
}

extension FinishReply {
  init?(reading value: RedisValue) {
    guard let parts = value.array, let word = parts.first?.string else { return nil }
    switch word {
    case "finished":
      guard parts.count == 2, let run = parts[1].string else { return nil }
      self = .finished(run: run)
    case "superseded":
      guard parts.count >= 2, let isOtherRun = parts[1].string else { return nil }
      self =
        isOtherRun == "1"
        ? .supersededByAnotherRun
        : .superseded(declaredUnknown: parts.dropFirst(2).compactMap { $0.int.map { Int($0) } })
    case "running":
      guard parts.count == 2, let lease = parts[1].int else { return nil }
      self = .running(.milliseconds(lease))
    case "known":
      guard let run = FinishedRun(reading: parts) else { return nil }
      self = .known(run)
    case "conflict": self = .conflict
    default: return nil
    }
  }
}

extension FinishedRun {
  /// A word, run, status, result, output or '', number of attempts, then cost events.
  fileprivate init?(reading parts: [RedisValue]) {
    guard parts.count >= 6, let run = parts[1].string, let status = parts[2].string.flatMap(RunStatus.init(rawValue:)),
      let result = parts[3].bytes, let output = parts[4].bytes,
      let attempts = parts[5].int
    else { return nil }
    self.init(
      run: run, status: status, result: result, output: output.isEmpty ? nil : output,
      attempts: Int(attempts), costs: parts.dropFirst(6).compactMap(\.bytes))
  }
}
