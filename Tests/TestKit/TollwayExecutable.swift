import Foundation

/// The built `tollway`, for tests that drive it from outside.
package enum TollwayExecutable {
  /// `TOLLWAY_BIN` if set, else the file beside the running test bundle, else the debug build.
  package static let path: String = {
    if let given = ProcessInfo.processInfo.environment["TOLLWAY_BIN"] { return given }
    let beside = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .appending(path: "tollway").path
    if FileManager.default.isExecutableFile(atPath: beside) { return beside }
    return TestDirectory.packageRoot.appending(path: ".build/debug/tollway").path
  }()

  /// Runs one command to its end, with nothing of the tests' environment but what is given.
  package static func run(
    _ arguments: [String], environment: [String: String], within limit: Duration = .seconds(180)
  ) async throws -> FinishedCommand {
    try await FinishedCommand.run([path] + arguments, environment: environment, within: limit)
  }
}
