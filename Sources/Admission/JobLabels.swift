package import Contracts

/// What the result of a job says of it that only its message knows. Kept while the job waits, for whoever ends it without
/// having the message at hand. Nil is what is not known.
package struct JobLabels: Sendable, Equatable {
  package var tier: String?
  package var queuedAt: Timestamp?
  package var seriesID: String?
  /// JSON text, at most `mostMetadata` bytes: what is longer is not kept, because many jobs may wait.
  package var metadata: [UInt8]?

  package static let mostMetadata = 512

  /// - Parameter tier: nil where it was not asked for.
  package init(of job: Job, tier: String?, queuedAt: Timestamp) {
    self.tier = tier
    self.queuedAt = queuedAt
    seriesID = job.seriesID
    metadata = job.metadata.flatMap { $0.raw.count <= Self.mostMetadata ? Array($0.raw) : nil }
  }

  /// What `cancel.lua` answers: empty for what it does not know.
  init(tier: String, queuedAt: String, seriesID: String, metadata: [UInt8]) {
    self.tier = tier.isEmpty ? nil : tier
    self.queuedAt = Int64(queuedAt).map { Timestamp(milliseconds: $0) }
    self.seriesID = seriesID.isEmpty ? nil : seriesID
    self.metadata = metadata.isEmpty ? nil : metadata
  }

  /// As the scripts take them: lines, of which only the last may itself have some.
  var text: [UInt8] {
    Array("\(tier ?? "")\n\(queuedAt.map { String($0.milliseconds) } ?? "")\n\(seriesID ?? "")\n".utf8)
      + (metadata ?? [])
  }
}
