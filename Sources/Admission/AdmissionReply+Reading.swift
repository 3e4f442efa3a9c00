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
      guard parts.count >= 6, let run = parts[1].string, let attempt = parts[2].int, let active = parts[3].int,
        let now = parts[4].int, let month = parts[5].string
      else { return nil }
      self = .admitted(
        run: run, attempt: Int(attempt), active: Int(active), at: Timestamp(milliseconds: now), month: month,
        costs: parts.dropFirst(6).compactMap(\.bytes))
    case "wait":
      guard let place = WaitPlace(reading: parts) else { return nil }
      self = .wait(place)
    case "blocked":
      guard parts.count >= 4, let limit = parts[1].string.flatMap(MonthlyLimit.init(rawValue:)),
        let run = parts[2].string, let attempt = parts[3].int
      else { return nil }
      self = .blocked(
        by: limit, run: run.isEmpty ? nil : run, attempt: Int(attempt), costs: parts.dropFirst(4).compactMap(\.bytes))
    case "stale": self = .stale
    case "running":
      guard let lease = milliseconds(1) else { return nil }
      self = .running(lease)
    case "orphan":
      guard parts.count == 5, let run = parts[1].string, let attempt = parts[2].int, let intent = parts[3].bytes,
        let month = parts[4].string
      else { return nil }
      self = .orphan(run: run, attempt: Int(attempt), intent: intent, month: month)
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
    case "cancelled":
      guard parts.count >= 4, let note = parts[1].string, let run = parts[2].string, let attempt = parts[3].int else {
        return nil
      }
      self = .cancelled(
        note: note, run: run.isEmpty ? nil : run, attempt: Int(attempt), costs: parts.dropFirst(4).compactMap(\.bytes))
    case "hold":
      guard let time = milliseconds(1) else { return nil }
      self = .hold(time)
    default: return nil
    }
  }
}

extension ContinueReply {
  init?(reading value: RedisValue) {
    guard let parts = value.array, let word = parts.first?.string else { return nil }
    switch word {
    case "continued":
      guard parts.count >= 4, let month = parts[1].string, let active = parts[2].int, let now = parts[3].int else {
        return nil
      }
      self = .continued(
        month: month, active: Int(active), at: Timestamp(milliseconds: now),
        costs: parts.dropFirst(4).compactMap(\.bytes))
    case "full": self = .full
    case "lost": self = .lost
    case "hold":
      guard parts.count == 2, let time = parts[1].int else { return nil }
      self = .hold(.milliseconds(time))
    default: return nil
    }
  }
}

extension FinishReply {
  init?(reading value: RedisValue) {
    guard let parts = value.array, let word = parts.first?.string else { return nil }
    switch word {
    case "finished":
      guard parts.count == 3, let run = parts[1].string, let lane = parts[2].string else { return nil }
      self = .finished(run: run, next: Lane(rawValue: lane))
    case "superseded":
      guard parts.count >= 2, let isOtherRun = parts[1].string else { return nil }
      self =
        isOtherRun == "1"
        ? .supersededByAnotherRun
        : .superseded(declaredUnknown: parts.dropFirst(2).compactMap(\.bytes))
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

extension WaitPlace {
  /// 'wait', reason, until, expected, position, active, place, bay, generation, copy number, cost events.
  fileprivate init?(reading parts: [RedisValue]) {
    guard parts.count >= 10, let reason = parts[1].string.flatMap(WaitReason.init(rawValue:)),
      let until = parts[2].int, let expected = parts[3].int, let position = parts[4].int, let active = parts[5].int,
      let kind = Self.kind(parts)
    else { return nil }
    self.init(
      kind: kind, reason: reason, until: .milliseconds(until), expected: .milliseconds(expected),
      position: Int(position), active: Int(active), costs: parts.dropFirst(10).compactMap(\.bytes))
  }

  private static func kind(_ parts: [RedisValue]) -> Kind? {
    switch parts[6].string {
    case "deck": return .deck
    case "ladder": return parts[7].string?.isEmpty ?? false ? .ladder : .soon
    case "park", "open":
      guard let bay = parts[7].number, let generation = parts[8].number, let copy = parts[9].number else { return nil }
      return .bay(Int(bay), generation: generation, copy: Int(copy), isNew: parts[6].string == "open")
    default: return nil
    }
  }
}

extension Claimed {
  /// Next, epoch, flags, four counts, then six texts a claim.
  init?(reading value: RedisValue) {
    guard let parts = value.array, parts.count >= 7, (parts.count - 7) % 6 == 0, let next = parts[0].int,
      let epoch = parts[1].string, let flags = parts[2].string
    else { return nil }
    self.init(
      claims: [], due: [:], next: next < 0 ? nil : .milliseconds(next), epoch: epoch,
      isSurveyed: flags.contains("s"), isMoneyReady: flags.contains("m"),
      isHeld: flags.contains("h"))
    for (lane, count) in zip(Lane.allCases, parts[3...6]) { due[lane] = Int(count.int ?? 0) }
    for index in stride(from: 7, to: parts.count, by: 6) {
      guard let claim = Claim(reading: parts[index..<(index + 6)].map { $0.string ?? "" }) else { return nil }
      claims.append(claim)
    }
  }
}

extension Claim {
  fileprivate init?(reading texts: [String]) {
    let lease = texts[4].split(separator: " ").compactMap { Int64($0) }
    guard let lane = Lane(rawValue: texts[0]), let bay = Int(texts[3]), lease.count == 2 else { return nil }
    self.init(
      lane: lane, user: texts[1], id: texts[2], bay: bay, generation: lease[0], commits: lease[1],
      deck: texts[5].isEmpty ? nil : texts[5])
  }
}

extension RedisValue {
  /// A number, or the text of one.
  fileprivate var number: Int64? { int ?? string.flatMap { Int64($0) } }
}
