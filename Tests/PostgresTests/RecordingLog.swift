import Logging
import Synchronization

/// Keeps what was logged, level and message with metadata.
final class RecordingLog: Sendable {
  private let kept = Mutex<[String]>([])

  var lines: [String] { kept.withLock { $0 } }
  var outagesBegun: Int { lines.count { $0.hasPrefix("error postgres failed") } }
  var outagesEnded: Int { lines.count { $0.hasPrefix("notice postgres is back") } }

  var logger: Logger {
    var logger = Logger(label: "postgres-tests") { _ in Handler(log: self) }
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
      log.kept.withLock { $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])") }
    }
  }
}
