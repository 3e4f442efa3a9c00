package import Contracts
package import Logging

/// Turns log events into lines and gives each to a sink. A value per logger; the sink is shared and must be safe from
/// any thread. Levels are compared before anything is built.
package struct LineLogHandler: LogHandler {
  package var logLevel: Logger.Level
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?

  private let label: String
  private let format: LogSettings.Format
  private let now: @Sendable () -> Timestamp
  private let sink: @Sendable ([UInt8]) -> Void

  package init(
    label: String, settings: LogSettings, now: @escaping @Sendable () -> Timestamp,
    sink: @escaping @Sendable ([UInt8]) -> Void
  ) {
    self.label = label
    logLevel = settings.level
    format = settings.format
    self.now = now
    self.sink = sink
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    let line = LogLine(
      time: now(), level: event.level, label: label, message: event.message.description, metadata: fields(of: event))
    sink(line.rendered(as: format))
  }

  /// The event's own fields win. Most events have no others, and then nothing is copied.
  private func fields(of event: LogEvent) -> Logger.Metadata {
    if metadata.isEmpty, metadataProvider == nil, event.error == nil { return event.metadata ?? [:] }
    var fields = metadata
    if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
    if let error = event.error { fields[LogKey.error] = "\(error)" }
    if let own = event.metadata { fields.merge(own) { $1 } }
    return fields
  }
}
