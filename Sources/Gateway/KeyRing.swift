package import Admission
import Contracts
package import Logging
import Synchronization

/// The keys that may come in, as Redis has them. What was read holds for a second, so that a revoked key is refused
/// within one, and so that a flood of wrong keys does not become a flood of round trips. A Redis that hangs is waited for
/// by few; the others are told at once that keys cannot be read. Safe to share.
package final class KeyRing: Sendable {
  package enum Verdict: Sendable, Equatable {
    case admitted(Principal)
    /// No key, or none that is valid.
    case refused
    /// Keys cannot be read for now; to be asked again after this time.
    case unavailable(Duration)
  }

  /// What Redis has under an id, read and understood.
  private struct Page: Sendable {
    let reading: AdmissionDesk.KeyReading
    /// Nil when there is none under that id.
    let key: APIKey?

    init(_ reading: AdmissionDesk.KeyReading, id: String) {
      self.reading = reading
      key = reading.entry.flatMap { APIKey(decoding: $0) }.flatMap { $0.id == id ? $0 : nil }
    }
  }

  private struct State {
    /// A fleet that had a key never has none again: then Redis has lost them.
    var hasHadKeys = false
    /// The memory of Redis that has no key because none was ever made.
    var keylessEpoch: String?
  }

  /// That Redis kept somebody waiting in vain: for a second nobody else is to wait for it.
  private final class Silence: Sendable {
    struct Lasts: Error {}

    /// What fails sooner may be asked again at once.
    private static let patience: Duration = .milliseconds(500)
    private static let length: Duration = .seconds(1)

    private let end = Mutex<ContinuousClock.Instant?>(nil)

    func check() throws(Lasts) {
      if let end = end.withLock({ $0 }), end > .now { throw Lasts() }
    }

    /// - Parameter time: when what failed was asked.
    func failed(askedAt time: ContinuousClock.Instant) {
      let now = ContinuousClock.now
      if now - time >= Self.patience { end.withLock { $0 = now + Self.length } }
    }
  }

  /// Is asked for when nobody gave a key.
  private static let noKey = "-"

  private let state = Mutex(State())
  private let known = BriefMemory<String, Page>(lifetime: .seconds(1), capacity: 4096)
  private let readings: Gathering<String, AdmissionDesk.KeyReading>
  /// Asked for an epoch.
  private let signs: Gathering<String, Bool>
  private let admitsLocalOperator: Bool
  private let logger: Logger

  /// - Parameters:
  ///   - hasHadKeys: whether a key was ever made, as something says that outlives a Redis. Asked for once for each memory
  ///     of Redis that has none.
  ///   - admitsLocalOperator: while no key was ever made; only where nobody but this machine can ask.
  package init(
    desk: AdmissionDesk, hasHadKeys: @escaping @Sendable () async throws -> Bool, admitsLocalOperator: Bool,
    logger: Logger
  ) {
    let silence = Silence()
    // Whoever waited behind a batch that hung gets here after it, and is told at once.
    readings = Gathering(flights: 2, size: 256) { ids in
      try silence.check()
      let begin = ContinuousClock.now
      do {
        return try await desk.readKeys(ids)
      } catch {
        silence.failed(askedAt: begin)
        throw error
      }
    }
    signs = Gathering(flights: 1, size: 256) { epochs in
      let answer = try await hasHadKeys()
      return epochs.map { _ in answer }
    }
    self.admitsLocalOperator = admitsLocalOperator
    self.logger = logger
  }

  /// - Parameter secret: as it was given, nil for none.
  package func verdict(on secret: String?) async -> Verdict {
    let id = secret.flatMap(APIKey.id(in:))
    guard let page = await page(of: id ?? Self.noKey) else { return .unavailable(.seconds(1)) }
    if let hold = page.reading.hold { return .unavailable(hold) }
    guard page.reading.isAnyMade else {
      return admitsLocalOperator ? .admitted(.localOperator) : .unavailable(.seconds(1))
    }
    guard let secret, let key = page.key, key.isOpened(by: secret), !key.isRevoked else { return .refused }
    return .admitted(Principal(key))
  }

  /// Of a key whose secret was shown earlier.
  /// - Parameter id: as a session remembers it.
  package func verdict(onKey id: String) async -> Verdict {
    guard let page = await page(of: id) else { return .unavailable(.seconds(1)) }
    if let hold = page.reading.hold { return .unavailable(hold) }
    guard let key = page.key, !key.isRevoked else { return .refused }
    return .admitted(Principal(key))
  }

  /// Whether keys have been made; nil when Redis does not say.
  package func isAnyMade() async -> Bool? {
    guard let page = await page(of: Self.noKey), page.reading.hold == nil else { return nil }
    return page.reading.isAnyMade
  }

  private func page(of id: String) async -> Page? {
    if let page = known.value(of: id) { return page }
    let time = ContinuousClock.now
    let reading: AdmissionDesk.KeyReading
    do {
      reading = try await readings.ask(id)
    } catch {
      logger.debug("keys cannot be read", metadata: ["error": "\(error)"])
      return nil
    }
    if reading.hold == nil {
      if reading.isAnyMade {
        state.withLock { $0.hasHadKeys = true }
      } else {
        guard await isKeyless(reading.epoch) else { return nil }
      }
    }
    let page = Page(reading, id: id)
    known.keep(page, of: id, readAt: time)
    return page
  }

  /// Whether a memory of Redis in which there is no key has lost none.
  private func isKeyless(_ epoch: String) async -> Bool {
    let (hasHadKeys, keyless) = state.withLock { ($0.hasHadKeys, $0.keylessEpoch) }
    if hasHadKeys { return false }
    if keyless == epoch { return true }
    do {
      let wereMade = try await signs.ask(epoch)
      let isNews = state.withLock { state in
        defer { if wereMade { state.hasHadKeys = true } else { state.keylessEpoch = epoch } }
        return wereMade && !state.hasHadKeys
      }
      if isNews { logger.error("Redis has lost the API keys: nobody is let in until billing has written them again") }
      return !wereMade
    } catch {
      logger.debug("whether there are keys is not known", metadata: ["error": "\(error)"])
      return false
    }
  }
}
