import Contracts
import Glibc
import Logging
import Synchronization

/// Sends every logger of the process to standard error, one line per event.
package enum LogBootstrap {
  private static let isInstalled = Mutex(false)

  /// Call before the first logger is made; only a process's first call counts.
  package static func install(_ settings: LogSettings) {
    let wasInstalled = isInstalled.withLock { isInstalled in
      defer { isInstalled = true }
      return isInstalled
    }
    if wasInstalled { return }
    LoggingSystem.bootstrap { label in
      LineLogHandler(label: label, settings: settings, now: wallClock, sink: standardError)
    }
  }

  /// Lines longer than a pipe takes at once would mix with those of other threads.
  private static let oneAtATime = Mutex(())

  @Sendable private static func standardError(_ line: [UInt8]) {
    oneAtATime.withLock { _ in
      var rest = line[...]
      while !rest.isEmpty {
        let written = rest.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        if written > 0 {
          rest = rest.dropFirst(written)
        } else if errno != EINTR {
          return  // Nobody is left to be told that the log itself cannot be written.
        }
      }
    }
  }

  @Sendable private static func wallClock() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }
}
