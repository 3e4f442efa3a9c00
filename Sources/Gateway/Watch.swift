import Admission
import Contracts
import Logging
import ServiceLifecycle
import Synchronization

/// The jobs, or the stories, that are watched: asked for in one round trip every half second, whatever the number of those
/// who watch, and looked at more closely where there is something new. What is not known for a minute is watched no longer.
/// Safe to share; `run` once.
final class Watch<Status: Watchable>: Sendable {
  /// Where it looks.
  struct Sight: Sendable {
    /// For the log: `jobs`.
    let name: String
    /// Of those that have news, looked at in one go; the others have their turn a half second later.
    let closeLooks: Int
    /// Of each a word that is another one when there is something new to be said of it; empty for one that is not known.
    let glance: @Sendable ([Status.Subject]) async throws(AdmissionError) -> [String]
    let read: @Sendable ([Status.Subject]) async throws(AdmissionError) -> [Status?]
  }

  private struct Entry {
    var viewers: [ObjectIdentifier: Viewer<Status>] = [:]
    /// What the last glance said that was followed by a closer look.
    var word: String?
    var missingSince: ContinuousClock.Instant?
  }

  private struct State {
    var entries: [Status.Subject: Entry] = [:]
    var isClosed = false
  }

  private static var patience: Duration { .seconds(60) }
  /// Of its time that Redis has to itself, for each part that this takes.
  private static var leisure: Int { 4 }

  private let sight: Sight
  private let seats: Seats
  private let configuration: GatewayConfiguration
  private let logger: Logger
  private let state = Mutex(State())

  /// - Parameter seats: shared with others.
  init(_ sight: Sight, seats: Seats, configuration: GatewayConfiguration, logger: Logger) {
    self.sight = sight
    self.seats = seats
    self.configuration = configuration
    self.logger = logger
  }

  /// A place among those who watch. It is given back when nobody has it any more.
  final class Seat: Sendable {
    let viewer: Viewer<Status>
    private let watch: Watch

    fileprivate init(_ viewer: Viewer<Status>, in watch: Watch) {
      self.viewer = viewer
      self.watch = watch
    }

    deinit { watch.leave(viewer) }
  }

  /// - Parameter status: as it was just read; it is the first to be shown.
  func join(_ status: Status) throws(Problem) -> Seat {
    let viewer = Viewer<Status>(status.subject)
    try seats.take()
    let isClosed = state.withLock { state in
      if state.isClosed { return true }
      state.entries[viewer.subject, default: Entry()].viewers[ObjectIdentifier(viewer)] = viewer
      // The status may be older than the last closer look.
      state.entries[viewer.subject]?.word = nil
      return false
    }
    if isClosed {
      seats.giveBack()
      throw Problem(.unavailable, "this gateway ends", retryAfter: .seconds(1))
    }
    viewer.offer(status)
    return Seat(viewer, in: self)
  }

  private func leave(_ viewer: Viewer<Status>) {
    seats.giveBack()
    state.withLock { state in
      state.entries[viewer.subject]?.viewers[ObjectIdentifier(viewer)] = nil
      if state.entries[viewer.subject]?.viewers.isEmpty == true { state.entries[viewer.subject] = nil }
    }
  }

  private func close() {
    let viewers = state.withLock { state in
      state.isClosed = true
      return state.entries.values.flatMap(\.viewers.values)
    }
    for viewer in viewers { viewer.end() }
  }

  private func sample() async throws(AdmissionError) {
    let entries = state.withLock { $0.entries }
    let subjects = Array(entries.keys)
    guard !subjects.isEmpty else { return }
    let words = try await sight.glance(subjects)
    let news = zip(subjects, words).filter { subject, word in !word.isEmpty && word != entries[subject]?.word }
      .shuffled().prefix(sight.closeLooks)
    let found = news.isEmpty ? [] : try await sight.read(news.map(\.0))
    let told: [(Viewer<Status>, Status?)] = state.withLock { state in
      var told: [(Viewer<Status>, Status?)] = []
      for ((subject, word), status) in zip(news, found) {
        guard let status, let entry = state.entries[subject] else { continue }
        state.entries[subject]?.word = word
        told += entry.viewers.values.map { ($0, status) }
      }
      for (subject, word) in zip(subjects, words) {
        let since = word.isEmpty ? entries[subject]?.missingSince ?? .now : nil
        state.entries[subject]?.missingSince = since
        if let since, ContinuousClock.now - since > Self.patience {
          told += (state.entries[subject]?.viewers.values.map { ($0, nil) } ?? [])
        }
      }
      return told
    }
    for (viewer, status) in told {
      if let status { viewer.offer(status) } else { viewer.end() }
    }
  }

  private func loop() async {
    var outSince: ContinuousClock.Instant?
    while !Task.isCancelled {
      var pause = configuration.sampling
      let begin = ContinuousClock.now
      do {
        try await sample()
        pause = max(pause, (.now - begin) * Self.leisure)
        if let since = outSince {
          logger.info(
            "watched \(sight.name) are seen again",
            metadata: [LogKey.duration: "\((ContinuousClock.now - since).milliseconds) ms"])
        }
        outSince = nil
      } catch {
        if outSince == nil, !Task.isCancelled {
          logger.error("watched \(sight.name) cannot be seen", metadata: [LogKey.error: "\(error)"])
          outSince = .now
        }
      }
      for entry in state.withLock({ Array($0.entries.values) }) {
        for viewer in entry.viewers.values { viewer.beat(every: configuration.heartbeat) }
      }
      do { try await Task.sleep(for: pause) } catch { return }
    }
  }
}

extension Watch: Service {
  /// Until the gateway drains: then every stream ends.
  func run() async throws {
    await cancelWhenGracefulShutdown { await self.loop() }
    close()
  }
}
