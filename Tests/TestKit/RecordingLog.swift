package import Logging
import Synchronization

/// Keeps what was logged, of every level.
package final class RecordingLog: Sendable {
  package struct Line: Sendable {
    package let level: Logger.Level
    package let message: String
    package let metadata: Logger.Metadata
    /// The message with its metadata.
    package var text: String { "\(message) \(metadata)" }
  }

  private let kept = Mutex<[Line]>([])

  package init() {}

  package var lines: [Line] { kept.withLock { $0 } }

  package func count(_ level: Logger.Level, _ part: String) -> Int {
    lines.count { $0.level == level && $0.text.contains(part) }
  }

  package var logger: Logger {
    var logger = Logger(label: "tests") { _ in Handler(log: self) }
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
      let line = Line(level: event.level, message: "\(event.message)", metadata: event.metadata ?? [:])
      log.kept.withLock { $0.append(line) }
    }
  }
}
