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

  private struct Note {
    /// What the last glance said that was followed by a closer look.
    var word: String?
    var missingSince: ContinuousClock.Instant?
  }

  private static var patience: Duration { .seconds(60) }
  /// Of its time that Redis has to itself, for each part that this takes.
  private static var leisure: Int { 4 }

  private let sight: Sight
  private let gallery: Gallery<Status>
  private let configuration: GatewayConfiguration
  private let logger: Logger
  /// Of what was watched when it was looked for last.
  private let notes = Mutex<[Status.Subject: Note]>([:])

  /// - Parameter seats: shared with others.
  init(_ sight: Sight, seats: Seats, configuration: GatewayConfiguration, logger: Logger) {
    self.sight = sight
    gallery = Gallery(seats: seats)
    self.configuration = configuration
    self.logger = logger
  }

  /// - Parameter status: as it was just read; it is the first to be shown.
  func join(_ status: Status, for holder: Seats.Holder) throws(Problem) -> Gallery<Status>.Seat {
    let seat = try gallery.join(status.subject, for: holder)
    seat.viewer.offer(status)
    // It may be older than the last closer look, be it one that comes in between: so the next time there is another.
    notes.withLock { $0[status.subject]?.word = nil }
    return seat
  }

  private func sample() async throws(AdmissionError) {
    let subjects = gallery.subjects
    let before = notes.withLock { notes in
      notes = Dictionary(uniqueKeysWithValues: subjects.map { ($0, notes[$0] ?? Note()) })
      return notes
    }
    guard !subjects.isEmpty else { return }
    let words = try await sight.glance(subjects)
    let news = zip(subjects, words).filter { subject, word in !word.isEmpty && word != before[subject]?.word }
      .shuffled().prefix(sight.closeLooks)
    let found = news.isEmpty ? [] : try await sight.read(news.map(\.0))
    let told: [(Viewer<Status>, Status?)] = notes.withLock { notes in
      var told: [(Viewer<Status>, Status?)] = []
      for ((subject, word), status) in zip(news, found) {
        guard let status else { continue }
        notes[subject]?.word = word
        told += gallery.viewers(of: subject).map { ($0, status) }
      }
      for (subject, word) in zip(subjects, words) {
        let since = word.isEmpty ? before[subject]?.missingSince ?? .now : nil
        notes[subject]?.missingSince = since
        if let since, ContinuousClock.now - since > Self.patience {
          told += gallery.viewers(of: subject).map { ($0, nil) }
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
      for viewer in gallery.viewers { viewer.beat(every: configuration.heartbeat) }
      do { try await Task.sleep(for: pause) } catch { return }
    }
  }
}

extension Watch: Service {
  /// Until the gateway drains: then every stream ends.
  func run() async throws {
    await cancelWhenGracefulShutdown { await self.loop() }
    gallery.close()
  }
}
