import Billing
import Catalog
import Contracts
import Foundation
import Lanes
import Logging

/// Takes the ledger's alerts to the exchange `alerts`, to the log and to the webhook; one process of several does it, the
/// one that holds the role. What was confirmed is marked, for exchange and webhook apart, so that it goes out once and
/// neither waits for the other; after a crash between the two it goes out again under the same id.
struct AlertSender {
  let ledger: Ledger
  let role: Role
  let office: PostOffice
  let webhook: Webhook
  let unwritten: UnwrittenAlerts
  let policy: @Sendable () -> Policy
  let logger: Logger

  private static let interval: Duration = .seconds(1)
  private static let batchSize = 100
  /// The webhook is not told of what is older.
  private static let longestUntold: Duration = .seconds(24 * 3600)

  /// Looks every second, at the start for what an earlier process left, until cancelled.
  func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await send() }
      group.addTask { await notify() }
      group.addTask { await sendUnwritten() }
    }
  }

  /// Tells an outage of the ledger once for each kind of failure.
  private func everySecond(_ complaint: Logger.Message, _ work: () async throws(LedgerError) -> Void) async {
    var lastFailure: LedgerError.Code?
    while !Task.isCancelled {
      do throws(LedgerError) {
        if role.isHeld { try await work() }
        lastFailure = nil
      } catch {
        if error.code != lastFailure, !Task.isCancelled {
          logger.error(complaint, metadata: [LogKey.error: "\(error)"])
        }
        lastFailure = error.code
      }
      do { try await Task.sleep(for: Self.interval) } catch { return }
    }
  }

  private func send() async {
    // A ledger that can be read and not written must not have them go out again and again.
    var unmarked: [StoredAlert] = []
    var logged: Set<Int64> = []
    await everySecond("alerts cannot be read or marked") { () async throws(LedgerError) in
      while role.isHeld {
        if unmarked.isEmpty {
          let alerts = try await ledger.unsentAlerts(limit: Self.batchSize)
          for alert in alerts where !logged.contains(alert.number) { log(alert) }
          logged = Set(alerts.map(\.number))
          // While the broker takes nothing the log goes on.
          guard !alerts.isEmpty, office.isTaking else { return }
          guard await office.deliver(alerts.map { office.alert(AlertMessage($0)) }) else { return }
          unmarked = alerts
        }
        try await ledger.markSent(unmarked)
        unmarked = []
      }
    }
  }

  private func log(_ alert: StoredAlert) {
    let text = AlertText(alert)
    logger.log(
      level: policy().notify.log ? text.level : .debug, "alert: \(text.message)",
      metadata: ["alert": "\(alert.id)", "scope": "\(text.scope)", "kind": "\(text.kind)"])
  }

  private func sendUnwritten() async {
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        for alert in unwritten.take() {
          log(alert)
          group.addTask { _ = await office.deliver([office.alert(AlertMessage(alert))]) }
          group.addTask { await insist(on: alert) }
        }
        do { try await Task.sleep(for: Self.interval) } catch { return }
      }
    }
  }
}

// The webhook: one alert a second, and fewer while it fails.

extension AlertSender {
  private func notify() async {
    var patience = WebhookPatience(logger: logger)
    var unmarked: [StoredAlert] = []
    await everySecond("alerts for the webhook cannot be read or marked") { () async throws(LedgerError) in
      if unmarked.isEmpty {
        let alerts = try await ledger.unnotifiedAlerts(limit: Self.batchSize)
        let oldest = Wires.now().milliseconds - Self.longestUntold.milliseconds
        unmarked = alerts.filter { $0.createdAt.milliseconds < oldest }
        if unmarked.isEmpty, let next = alerts.first {
          switch address {
          case .none: unmarked = alerts
          case .unusable(let reason): patience.failed(reason, after: nil)
          case .known(let address):
            guard patience.isOver else { return }
            if patience.heard(await webhook.tell(next, at: address), next) { unmarked = [next] }
          }
        }
      }
      try await ledger.markNotified(unmarked)
      unmarked = []
    }
  }

  /// The ledger cannot say what is left to do, so this goes on until it is done.
  private func insist(on alert: StoredAlert) async {
    var patience = WebhookPatience(logger: logger)
    while !Task.isCancelled, case .known(let address) = address {
      if patience.isOver, patience.heard(await webhook.tell(alert, at: address), alert) { return }
      do { try await Task.sleep(for: Self.interval) } catch { return }
    }
  }

  private var address: WebhookAddress { .look(policy(), environment: ProcessInfo.processInfo.environment) }
}

/// When a webhook that failed is tried again: after 1, 2, 4 ... 60 seconds, or when it says. An outage is told once.
private struct WebhookPatience {
  let logger: Logger
  private var failures = 0
  private var next = ContinuousClock.now
  private var isTold = false

  init(logger: Logger) { self.logger = logger }

  var isOver: Bool { .now >= next }

  /// Whether it is done with this alert.
  mutating func heard(_ outcome: Webhook.Outcome, _ alert: StoredAlert) -> Bool {
    switch outcome {
    case .accepted:
      if isTold { logger.info("the webhook for alerts takes them again") }
      self = WebhookPatience(logger: logger)
      return true
    case .refused(let reason):
      logger.error(
        "the webhook for alerts refuses one", metadata: ["alert": "\(alert.id)", LogKey.reason: "\(reason)"])
      return true
    case .failed(let reason, let wait):
      failed(reason, after: wait)
      return false
    }
  }

  mutating func failed(_ reason: String, after wait: Duration?) {
    if !isTold { logger.error("the webhook for alerts is not reached", metadata: [LogKey.reason: "\(reason)"]) }
    isTold = true
    next = .now + max(wait ?? .zero, .seconds(min(60, 1 << min(failures, 6))))
    failures += 1
  }
}

extension AlertMessage {
  fileprivate init(_ alert: StoredAlert) { self.init(id: alert.id, routingKey: alert.routingKey, body: alert.body) }
}
