package import Foundation

/// A real Redis server. `shared()` is for tests that keep to their own keys, `dedicated()` for those that stop, restart,
/// pause or flush it.
package final class LiveRedis: Sendable {
  /// `redis://127.0.0.1:PORT/0`
  package let url: String

  private let own: OwnServer?

  private init(url: String, own: OwnServer?) {
    self.url = url
    self.own = own
  }

  private static let sharedServer = Task {
    if let given = ProcessInfo.processInfo.environment["TOLLWAY_TEST_REDIS_URL"] {
      return LiveRedis(url: given, own: nil)
    }
    return try await dedicated()
  }

  /// The server at `TOLLWAY_TEST_REDIS_URL`; without that, one started at the first call and ended with the tests.
  package static func shared() async throws -> LiveRedis { try await sharedServer.value }

  /// A server of the caller's own. It keeps its port over restarts, its data only when it is `durable`.
  ///
  /// - Parameter shiftedClock: its wall clock, our own at first, can be moved with `shiftClock` and `setClock`.
  package static func dedicated(durable: Bool = false, shiftedClock: Bool = false) async throws -> LiveRedis {
    let options = (durable ? ["--append-only"] : []) + (shiftedClock ? ["--shifted-clock"] : [])
    let own = try await OwnServer(.redis, options: options)
    return LiveRedis(url: try own.value("url"), own: own)
  }

  package func start() async throws { try await own.required.start() }
  /// An orderly end.
  package func stop() async throws { try await own.required.stop() }
  /// An end by SIGKILL.
  package func crash() async throws { try await own.required.crash() }

  /// From the next command on, what TIME tells and keys expire by is our own time and `offset`, which is not added to a
  /// former one. Timers of the server are not touched. Holds over restarts.
  package func shiftClock(by offset: Duration) throws {
    let (seconds, attoseconds) = offset.components
    try shiftClock(seconds: Double(seconds) + Double(attoseconds) * 1e-18)
  }

  /// Likewise, so that the clock shows `instant` now and goes on from there.
  package func setClock(to instant: Date) throws { try shiftClock(seconds: instant.timeIntervalSinceNow) }

  /// For the environment of a `ChildProcess` that shall have the same clock.
  package var clockEnvironment: [String: String] {
    get throws {
      let directory = try own.required.directory
      return ["LD_PRELOAD": directory.file("shifted_clock.so").path, "SHIFTED_CLOCK": directory.file("clock").path]
    }
  }

  private func shiftClock(seconds: Double) throws {
    let file = try own.required.directory.file("clock")
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw SystemFailure("only a server with shiftedClock has a clock to set", code: ENOENT)
    }
    try "\(seconds)\n".write(to: file, atomically: true, encoding: .utf8)
  }

  /// Runs one command through redis-cli and returns what that printed.
  package func command(_ arguments: String...) async throws -> String {
    try await FinishedCommand.run(["redis-cli", "-u", url] + arguments).checked()
  }
}
