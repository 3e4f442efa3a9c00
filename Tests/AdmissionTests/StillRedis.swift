import Foundation
import Synchronization
import TestKit

/// A Redis server of the tests' own whose wall clock stands still until a test moves it: every instant in a reply can
/// be foretold, a month passes at once, and keys expire when they would.
final class StillRedis: Sendable {
  let url: String
  private let directory: TestDirectory
  private let clock = Mutex<Int64>(0)

  /// - Parameter start: RFC 3339.
  init(at start: String = "2026-11-21T12:00:00Z") async throws {
    directory = try TestDirectory("still-redis")
    let script = TestDirectory.packageRoot.appending(path: "scripts/lib/servers.sh").path
    try await FinishedCommand.run(["bash", script, "start-redis", directory.url.path, "--shifted-clock"]).checked()
    url = String(try String(contentsOf: directory.file("url"), encoding: .utf8).prefix { !$0.isNewline })
    try set(try instant(start))
  }

  private static let one = Task { try await StillRedis() }

  /// One for all suites that take turns, started at the first call and ended with the tests.
  static func shared() async throws -> StillRedis { try await one.value }

  /// Microseconds since 1970.
  var micros: Int64 { clock.withLock { $0 } }
  var milliseconds: Int64 { micros / 1000 }

  func set(_ micros: Int64) throws {
    try clock.withLock { now in
      now = micros
      let fraction = String(String(1_000_000 + micros % 1_000_000).dropFirst())
      try Data("=\(micros / 1_000_000).\(fraction)\n".utf8).write(to: directory.file("clock"))
    }
  }

  func set(to time: String) throws { try set(try instant(time)) }

  func pass(_ time: Duration) throws {
    let (seconds, attoseconds) = time.components
    try set(micros + seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
  }
}
