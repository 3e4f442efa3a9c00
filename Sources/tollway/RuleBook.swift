import Catalog
import Contracts
import Foundation
import Logging
import Synchronization
import Work

/// The policy and the prices in force, read from their files and read again when a file changes. A changed file that
/// cannot be read is reported, and what was in force stays. Safe to share.
final class RuleBook: Sendable {
  private struct Source {
    var path: String?
    /// Of what was last read, good or bad, taken before it was read: what changes meanwhile is read again.
    var stamp: String?
  }

  private let state: Mutex<(planner: Planner, policy: Source, prices: Source)>

  init(policyPath: String?, pricesPath: String?) throws(CommandFailure) {
    let sources = [policyPath, pricesPath].map { Source(path: $0, stamp: Self.stamp(of: $0)) }
    let policy = try Self.stampedPolicy(at: policyPath)
    let prices = try Self.prices(at: pricesPath)
    state = Mutex((Planner(policy: policy.policy, prices: prices, stamp: policy.stamp), sources[0], sources[1]))
  }

  var planner: Planner { state.withLock { $0.planner } }

  /// Looks for changed files twice a second until cancelled. `onPolicy` is told of a new policy before it is in force,
  /// `onForce` when it is.
  func watch(
    logger: Logger, onPolicy: @Sendable (Policy) async -> Void, onForce: @Sendable () async -> Void = {}
  ) async {
    while !Task.isCancelled {
      do { try await Task.sleep(for: .milliseconds(500)) } catch { return }
      if let path = changed(\.policy) {
        do throws(CommandFailure) {
          let (policy, stamp) = try Self.stampedPolicy(at: path)
          await onPolicy(policy)
          state.withLock { state in
            state.planner = state.planner.adopting(policy, stamp: stamp)
          }
          await onForce()
          logger.info("policy file changed and is in force")
        } catch {
          logger.error("policy file changed and was refused", metadata: [LogKey.error: "\(error.happened)"])
        }
      }
      if let path = changed(\.prices) {
        do throws(CommandFailure) {
          let prices = try Self.prices(at: path)
          state.withLock { $0.planner.prices = prices }
          logger.info("price book changed and is in force")
        } catch {
          logger.error("price book changed and was refused", metadata: [LogKey.error: "\(error.happened)"])
        }
      }
    }
  }

  private typealias State = (planner: Planner, policy: Source, prices: Source)

  private func changed(_ source: any WritableKeyPath<State, Source> & Sendable) -> String? {
    guard let path = state.withLock({ $0[keyPath: source].path }) else { return nil }
    let stamp = Self.stamp(of: path)
    return state.withLock { state in
      guard let stamp, stamp != state[keyPath: source].stamp else { return nil }
      state[keyPath: source].stamp = stamp
      return path
    }
  }

  /// Size, modification time and number: the times of two files that are written within some milliseconds are the same.
  private static func stamp(of path: String?) -> String? {
    guard let path else { return nil }
    do {
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      let time = (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
      return "\(attributes[.size] ?? 0)/\(time)/\(attributes[.systemFileNumber] ?? 0)"
    } catch {
      return nil  // gone for a moment, as editors do when they replace a file
    }
  }

  static func policy(at path: String?) throws(CommandFailure) -> Policy { try stampedPolicy(at: path).policy }

  /// With a stamp that is equal for equal files, in every process.
  private static func stampedPolicy(at path: String?) throws(CommandFailure) -> (policy: Policy, stamp: String) {
    let text = try text(at: path, else: PolicyFile.builtIn)
    do throws(FileFault) {
      return (try PolicyFile.read(text: text).0, JobMessage.digest(of: Array(text.utf8)))
    } catch {
      throw CommandFailure(
        .usage, "policy file: \(error.summary)", "tollway policy check \(path ?? "") explains each line")
    }
  }

  static func prices(at path: String?) throws(CommandFailure) -> PriceBook {
    let text = try text(at: path, else: PriceBookFile.builtIn)
    do throws(FileFault) {
      return try PriceBookFile.read(text: text).0
    } catch {
      throw CommandFailure(
        .usage, "price book: \(error.summary)", "tollway prices check \(path ?? "") explains each line")
    }
  }

  static func text(at path: String?, else builtIn: String) throws(CommandFailure) -> String {
    guard let path else { return builtIn }
    do {
      return try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw CommandFailure(.usage, "cannot read \(path)", "name a UTF-8 file that exists and may be read")
    }
  }
}

extension FileFault {
  /// The first of its findings, and how many more there are, on one line.
  fileprivate var summary: String {
    guard let first = notices.first else { return "cannot be read" }
    return notices.count == 1 ? "\(first)" : "\(first), and \(notices.count - 1) more"
  }
}
