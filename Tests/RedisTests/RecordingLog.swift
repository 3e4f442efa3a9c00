import Logging
import Synchronization

/// Keeps what was logged, level and message with metadata.
final class RecordingLog: Sendable {
  struct Line: Sendable {
    let level: Logger.Level
    let text: String
  }

  private let kept = Mutex<[Line]>([])

  var lines: [Line] { kept.withLock { $0 } }

  /// Errors about Redis, and notices that it is back.
  var outagesBegun: Int { lines.count { $0.level == .error && $0.text.hasPrefix("redis failed") } }
  var outagesEnded: Int { lines.count { $0.level == .notice && $0.text.hasPrefix("redis is back") } }

  var logger: Logger {
    var logger = Logger(label: "redis-tests") { _ in Handler(log: self) }
    logger.logLevel = .trace
    return logger
  }

  private struct Handler: LogHandler {
    let log: RecordingLog
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      log.kept.withLock {
        $0.append(Line(level: event.level, text: "\(event.message) \(event.metadata ?? [:])"))
      }
    }
  }
}
