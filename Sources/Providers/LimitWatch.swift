import Catalog
import Foundation
import Logging
import Synchronization

/// Holds serving groups to what they may take together: looks every 250 ms and kills a group that is above, whole. A
/// group can be above its limit for as long. One thread for all groups of a provider, which lasts while there are any.
final class LimitWatch: Sendable {
  static let interval: TimeInterval = 0.25

  private struct State {
    var groups: [pid_t: ServingGroup] = [:]
    var isLooking = false
  }

  private let limits: ProcessLimits
  private let logger: Logger
  private let state = Mutex(State())

  /// Nil where nothing is to be watched: the limits of processors and files hold by themselves (`LimitedCommand`).
  init?(_ limits: ProcessLimits, logger: Logger) {
    guard limits.memoryMegabytes != nil || limits.processes != nil else { return nil }
    self.limits = limits
    self.logger = logger
  }

  func add(_ group: ServingGroup) {
    let mustStart = state.withLock { state in
      state.groups[group.pid] = group
      defer { state.isLooking = true }
      return !state.isLooking
    }
    if mustStart { Thread.detachNewThread { self.look() } }
  }

  func remove(_ group: ServingGroup) {
    state.withLock { state in
      if state.groups[group.pid] === group { state.groups[group.pid] = nil }
    }
  }

  private func look() {
    var couldRead = true
    while true {
      let groups = state.withLock { state in
        state.isLooking = !state.groups.isEmpty
        return state.groups
      }
      guard !groups.isEmpty else { return }
      do throws(SystemFault) {
        for (pid, usage) in try GroupUsage.read(of: Set(groups.keys)) {
          if let excess = Self.excess(of: usage, over: limits) {
            groups[pid]?.kill(because: "the serving process was above its \(excess) and was killed")
          }
        }
        couldRead = true
      } catch {
        if couldRead { logger.error("limits of serving processes are not watched", metadata: ["error": "\(error)"]) }
        couldRead = false
      }
      Thread.sleep(forTimeInterval: Self.interval)
    }
  }

  /// Which limit is passed, in words; nil for none.
  static func excess(of usage: GroupUsage, over limits: ProcessLimits) -> String? {
    if let most = limits.memoryMegabytes, usage.residentBytes > most << 20 { return "memory limit of \(most) MiB" }
    if let most = limits.processes, usage.processes > most { return "limit of \(most) processes" }
    return nil
  }
}
