import Admission
import Contracts
import Logging

/// Whether anybody works: without a worker no start can be foretold. Asked for at most once a second. Safe to share.
struct Workforce: Sendable {
  private let isAny: Snapshot<Bool>
  private let logger: Logger

  init(_ desk: AdmissionDesk, logger: Logger) {
    isAny = Snapshot { try await !desk.fleetFigures().workers.isEmpty }
    self.logger = logger
  }

  /// False while it is not known.
  func isThere() async -> Bool {
    do { return try await isAny.value() } catch {
      logger.debug("no start is foretold", metadata: [LogKey.error: "\(error)"])
      return false
    }
  }
}
