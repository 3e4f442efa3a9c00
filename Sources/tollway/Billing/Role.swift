import Billing
import Contracts
import Logging
import Synchronization

/// What one billing process of several does: a lease in the ledger, renewed every other second. After a crash another
/// process has it within seven. Safe to share.
final class Role: Sendable {
  private struct State {
    /// When it was asked for last with success; nil when somebody else has it.
    var granted: ContinuousClock.Instant?
  }

  private static let length: Duration = .seconds(6)
  private static let renewal: Duration = .seconds(2)
  /// By so much this process thinks that it ends early.
  private static let margin: Duration = .seconds(1)

  private let name: String
  private let holder: String
  private let ledger: Ledger
  private let logger: Logger
  private let state = Mutex(State())

  /// - Parameter holder: names this process.
  init(_ name: String, holder: String, ledger: Ledger, logger: Logger) {
    self.name = name
    self.holder = holder
    self.ledger = ledger
    self.logger = logger
  }

  /// Whether nobody else can have it now.
  var isHeld: Bool { state.withLock { $0.granted.map { .now - $0 < Self.length - Self.margin } ?? false } }

  /// Whether it was this process' by the ledger's last answer. While the ledger answers nobody, nobody else has it
  /// either.
  var isOurs: Bool { state.withLock { $0.granted != nil } }

  /// Takes it when it is free and keeps it, until cancelled.
  func keep() async {
    var isOut = false
    while !Task.isCancelled {
      let asked = ContinuousClock.now
      do throws(LedgerError) {
        let isGranted = try await ledger.takeRole(name, holder: holder, for: Self.length)
        note(isGranted, asked)
        isOut = false
      } catch {
        if !isOut, !Task.isCancelled {
          logger.error("a role cannot be kept", metadata: ["role": "\(name)", LogKey.error: "\(error)"])
        }
        isOut = true
      }
      do { try await Task.sleep(for: isOurs ? Self.renewal : .seconds(1)) } catch { return }
    }
  }

  private func note(_ isGranted: Bool, _ asked: ContinuousClock.Instant) {
    if isGranted != isOurs {
      logger.debug("a role was \(isGranted ? "taken" : "lost")", metadata: ["role": "\(name)"])
    }
    state.withLock { $0.granted = isGranted ? asked : nil }
  }

  /// Somebody else may have it at once.
  func giveUp() async throws(LedgerError) {
    guard isOurs else { return }
    state.withLock { $0.granted = nil }
    _ = try await ledger.takeRole(name, holder: holder, for: .zero)
  }
}
