package import Logging

/// `TOLLWAY_LOG` and `TOLLWAY_LOG_FORMAT`.
package struct LogSettings: Sendable, Hashable {
  package enum Format: String, Sendable, CaseIterable { case text, json }

  package struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String
  }

  package var level: Logger.Level
  package var format: Format

  package init(level: Logger.Level = .info, format: Format = .text) {
    self.level = level
    self.format = format
  }

  /// Reads the two settings; nil or empty is the default, `info` and `text`.
  package init(level: String?, format: String?) throws(Fault) {
    self.init()
    if let level, !level.isEmpty {
      let name = level.lowercased()
      guard let known = Logger.Level(rawValue: name == "warn" ? "warning" : name) else {
        let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        throw Fault(description: "TOLLWAY_LOG: must be one of \(levels)")
      }
      self.level = known
    }
    if let format, !format.isEmpty {
      guard let known = Format(rawValue: format.lowercased()) else {
        throw Fault(description: "TOLLWAY_LOG_FORMAT: must be text or json")
      }
      self.format = known
    }
  }
}
