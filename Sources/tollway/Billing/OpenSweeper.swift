import Admission
import Billing
import Contracts
import Logging

/// Gives up what is still open for events that are in the ledger: a worker can write such an entry after billing has
/// passed the event, for instance when it puts back what Redis lost.
struct OpenSweeper {
  let desk: AdmissionDesk
  let ledger: any LedgerStore
  let books: RedisBooks
  let logger: Logger

  private static let interval: Duration = .seconds(60)

  /// Once a minute until cancelled.
  func run() async {
    var isOut = false
    while !Task.isCancelled {
      do { try await Task.sleep(for: Self.interval) } catch { return }
      do {
        let count = try await sweep()
        if count > 0 {
          logger.info("open entries of booked events were given up", metadata: [LogKey.count: "\(count)"])
        }
        isOut = false
      } catch {
        if !isOut, !Task.isCancelled {
          logger.error("open entries cannot be looked through", metadata: [LogKey.error: "\(error)"])
        }
        isOut = true
      }
    }
  }

  /// Returns how many there were.
  func sweep() async throws -> Int {
    var count = 0
    try await desk.settledOpen { ids in
      let booked = try await ledger.booked(ids)
      try await books.book(booked)
      count += booked.reduce(0) { $0 + $1.eventIDs.count }
    }
    return count
  }
}
