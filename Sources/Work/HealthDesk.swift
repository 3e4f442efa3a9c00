import Admission
import Confinement
import Contracts
import Logging
import Providers
import Synchronization

/// Tells the fleet how the providers do; what administrators have to know of that billing reads from Redis. Answers are
/// counted here and reported together, once a second; what may close a breaker is reported at once, with all that was
/// counted before. Safe to share.
final class HealthDesk: Sendable {
  private struct Counts {
    var successes = 0
    var failures = 0
  }

  private let desk: AdmissionDesk
  private let pulse: Pulse
  private let logger: Logger
  private let counts = Mutex<[String: Counts]>([:])
  private let urgent = Mailbox<BreakerReport>()

  init(desk: AdmissionDesk, pulse: Pulse = Pulse(), logger: Logger) {
    self.desk = desk
    self.pulse = pulse
    self.logger = logger
  }

  /// - Parameters:
  ///   - modelScope: of the breaker of this model alone.
  ///   - probe: the scope whose probe the call was, and who held it.
  func note(_ answer: ProviderAnswer, of provider: String, modelScope: String, probe: (scope: String, holder: String)?)
  {
    let health = Health(answer)
    let scope = health == .gone ? modelScope : provider
    if let probe { urgent.put(health.report(on: probe, modelScope: modelScope)) }
    switch health {
    case .unsaid: return
    case .serves:
      if probe?.scope != scope { counts.withLock { $0[scope, default: Counts()].successes += 1 } }
      return
    case .fails, .rests, .account, .funds, .gone: break
    }
    guard probe?.scope != scope else { return }
    var report = BreakerReport(scope: scope)
    // What was counted before, so that one failure is seen among the successes that it belongs to.
    report.successes = counts.withLock { $0.removeValue(forKey: scope)?.successes ?? 0 }
    health.tell(&report)
    urgent.put(report)
  }

  /// How long the provider took over it, unless the answer says nothing of the provider.
  func note(_ duration: Duration, of answer: ProviderAnswer, by provider: String) {
    if Health(answer) != .unsaid { pulse.called(provider, for: duration) }
  }

  /// A probe that was taken and not made: somebody else may.
  func giveBack(_ probe: (scope: String, holder: String)?) {
    if let probe { urgent.put(BreakerReport(scope: probe.scope, probe: probe.holder)) }
  }

  /// Whether this attempt may be the one that tries whether a resting provider serves again.
  /// - Parameter yielding: how long after the end of the rest others go first.
  func takeProbe(_ scope: String, holder: String, length: Duration, yielding: Duration) async -> Bool {
    do {
      return try await desk.takeProbe(scope, holder: holder, length: length, yielding: yielding)
    } catch {
      logger.warning(
        "a probe could not be asked for", metadata: [LogKey.provider: "\(scope)", LogKey.error: "\(error)"])
      return false
    }
  }

  /// Reports until cancelled.
  func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask {
        while !Task.isCancelled {
          let reports = await self.urgent.take()
          if reports.isEmpty { return }
          await self.report(reports)
        }
      }
      group.addTask {
        while !Task.isCancelled {
          do { try await Task.sleep(for: .seconds(1)) } catch { return }
          await self.report(self.takeCounts())
        }
      }
    }
  }

  private func takeCounts() -> [BreakerReport] {
    counts.withLock { counts in
      defer { counts = [:] }
      return counts.map { BreakerReport(scope: $0, successes: $1.successes, failures: $1.failures) }
    }
  }

  private func report(_ reports: [BreakerReport]) async {
    guard !reports.isEmpty else { return }
    do {
      for change in try await desk.report(reports) { log(change) }
    } catch {
      // Nothing is lost but a few samples: a provider that fails goes on failing.
      logger.warning("answers of providers were not counted", metadata: [LogKey.error: "\(error)"])
    }
  }

  private func log(_ change: BreakerChange) {
    guard let reason = change.to else {
      logger.info("provider serves again", metadata: [LogKey.provider: "\(change.scope)"])
      return
    }
    logger.warning(
      "provider rests", metadata: [LogKey.provider: "\(change.scope)", LogKey.reason: "\(reason.rawValue)"])
  }
}
