/// Thrown when something that a test waits for did not come. Its text names what and how long.
package struct WaitFailure: Error, CustomStringConvertible {
  package let what: String
  package let limit: Duration

  package var description: String { "waited \(limit) in vain until \(what)" }
}

/// Asks `condition` every 20 milliseconds until it holds. Tests never sleep: what they wait for has a name and a limit,
/// which by default is a long one, because a busy machine takes its time.
///
/// - Parameter what: completes the sentence "waited 10 seconds in vain until ...".
/// - Throws: `WaitFailure` after `limit`, what `condition` throws, and `CancellationError`.
package func waitUntil(
  _ what: String, within limit: Duration = .seconds(120), _ condition: () async throws -> Bool
) async throws {
  let clock = ContinuousClock()
  let end = clock.now + limit
  while try await !condition() {
    guard clock.now < end else { throw WaitFailure(what: what, limit: limit) }
    try await clock.sleep(for: .milliseconds(20))
  }
}
