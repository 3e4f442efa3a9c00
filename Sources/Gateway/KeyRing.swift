package import Admission
package import Logging
import Synchronization

/// The keys that may come in, as Redis has them. What was read holds for a second, so that a revoked key is refused
/// within one, and so that a flood of wrong keys does not become a flood of round trips. Safe to share.
package final class KeyRing: Sendable {
  package enum Verdict: Sendable, Equatable {
    case admitted(Principal)
    /// No key, or none that is valid.
    case refused
    /// Keys cannot be read for now; to be asked again after this time.
    case unavailable(Duration)
  }

  private struct State {
    var known: [String: (reading: AdmissionDesk.KeyReading, until: ContinuousClock.Instant)] = [:]
    /// A fleet that had a key never has none again: then Redis has lost them.
    var hasSeenKeys = false
  }

  private static let lifetime: Duration = .seconds(1)
  private static let capacity = 4096
  /// Is asked for when nobody gave a key.
  private static let noKey = "-"

  private let state = Mutex(State())
  private let readings: Gathering<String, AdmissionDesk.KeyReading>
  private let admitsLocalOperator: Bool
  private let logger: Logger

  /// - Parameter admitsLocalOperator: while no key was ever made; only where nobody but this machine can ask.
  package init(desk: AdmissionDesk, admitsLocalOperator: Bool, logger: Logger) {
    readings = Gathering(flights: 2, size: 256) { try await desk.readKeys($0) }
    self.admitsLocalOperator = admitsLocalOperator
    self.logger = logger
  }

  /// - Parameter secret: as it was given, nil for none.
  package func verdict(on secret: String?) async -> Verdict {
    let id = secret.flatMap(APIKey.id(in:))
    guard let reading = await reading(of: id ?? Self.noKey) else { return .unavailable(.seconds(1)) }
    if let hold = reading.hold { return .unavailable(hold) }
    guard reading.isAnyMade else {
      return admitsLocalOperator ? .admitted(.localOperator) : .unavailable(.seconds(1))
    }
    guard let secret, let entry = reading.entry, let key = APIKey(decoding: entry), key.id == id,
      key.isOpened(by: secret), !key.isRevoked
    else { return .refused }
    return .admitted(Principal(key))
  }

  /// Whether keys have been made; nil when Redis does not say.
  package func isAnyMade() async -> Bool? {
    guard let reading = await reading(of: Self.noKey), reading.hold == nil else { return nil }
    return reading.isAnyMade
  }

  private func reading(of id: String) async -> AdmissionDesk.KeyReading? {
    let now = ContinuousClock.now
    if let known = state.withLock({ $0.known[id] }), known.until > now { return known.reading }
    let reading: AdmissionDesk.KeyReading
    do {
      reading = try await readings.ask(id)
    } catch {
      logger.debug("keys cannot be read", metadata: ["error": "\(error)"])
      return nil
    }
    return state.withLock { state in
      if reading.hold == nil {
        state.hasSeenKeys = state.hasSeenKeys || reading.isAnyMade
        if state.hasSeenKeys, !reading.isAnyMade { return nil }
      }
      if state.known.count >= Self.capacity { state.known = state.known.filter { $0.value.until > now } }
      if state.known.count < Self.capacity { state.known[id] = (reading, now + Self.lifetime) }
      return reading
    }
  }
}
