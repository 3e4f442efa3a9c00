import Synchronization

/// The serving processes of one provider, one for each key that calls are kept apart by, made when its first call
/// comes. At most `limit` at once: a further key takes the place of the one that has been idle for longest, which is
/// ended first, and is refused where all have calls under way. Safe to use from anywhere.
final class ServingPool: Sendable {
  /// Far beyond what fits into the memory of one machine with most models; small ones (speech) take 100 MiB each.
  static let limit = 32
  /// After which a call that no process took may find one.
  static let moment = Duration.seconds(1)

  private struct State {
    var processes: [String: ServingProcess] = [:]
    var isShutDown = false
  }

  private let limit: Int
  private let make: @Sendable (_ predecessor: Task<Void, Never>?) -> ServingProcess
  private let state = Mutex(State())

  /// - Parameter make: a new process, which must not start before its predecessor has ended.
  init(
    limit: Int = ServingPool.limit, make: @escaping @Sendable (_ predecessor: Task<Void, Never>?) -> ServingProcess
  ) {
    self.limit = limit
    self.make = make
  }

  /// The process of a key, with a call begun (`ServingUse.begin`) that the caller must finish.
  func take(_ key: String) -> Result<ServingProcess, ProviderFailure> {
    state.withLock { state in
      if state.isShutDown {
        return .failure(ProviderFailure(.local, "the serving process was shut down", retryAfter: Self.moment))
      }
      let process: ServingProcess
      if let found = state.processes[key] {
        process = found
      } else if state.processes.count < limit {
        process = make(nil)
      } else if let idle = Self.longestIdle(of: state.processes), let old = state.processes.removeValue(forKey: idle) {
        process = make(Task { await old.shutdown() })
      } else {
        return .failure(ProviderFailure(.local, "all serving processes are busy", retryAfter: Self.moment))
      }
      state.processes[key] = process
      process.use.begin()
      return .success(process)
    }
  }

  /// Ends all at once; returns when they are gone.
  func shutdown() async {
    let processes = state.withLock { state in
      state.isShutDown = true
      return state.processes.values
    }
    await withTaskGroup(of: Void.self) { group in
      for process in processes {
        group.addTask { await process.shutdown() }
      }
    }
  }

  private static func longestIdle(of processes: [String: ServingProcess]) -> String? {
    processes.compactMap { key, process in process.use.idleSince.map { (key: key, since: $0) } }
      .min { $0.since < $1.since }?.key
  }
}
