package import Foundation

/// A program that a test starts: a worker, a foreign client, a server. Its output goes to files, so it can never block on
/// a full pipe. It is killed when the last reference goes, and by the watcher of `TestDirectory` if the tests die first.
package final class ChildProcess: Sendable {
  package let name: String
  package let processID: Int32
  package let outputFile: URL
  package let errorFile: URL

  private let spawned: SpawnedProcess
  private let directory: TestDirectory

  /// - Parameters:
  ///   - name: for messages and for the names of its files in `directory`.
  ///   - arguments: the command, searched in PATH if it has no slash, and its arguments.
  ///   - environment: on top of `plainEnvironment`; the environment of the tests is not inherited.
  ///   - directory: holds its output, is kept as long as this object, and is its working directory unless
  ///     `workingDirectory` is given.
  package init(
    _ name: String, _ arguments: [String], environment: [String: String] = [:], in directory: TestDirectory,
    workingDirectory: URL? = nil
  ) throws {
    self.name = name
    self.directory = directory
    let prefix = directory.file("\(name)-\(Namespace.unique())")
    outputFile = prefix.appendingPathExtension("out")
    errorFile = prefix.appendingPathExtension("err")
    spawned = try SpawnedProcess(
      arguments, environment: Self.plainEnvironment.merging(environment) { _, given in given },
      directory: workingDirectory ?? directory.url, output: outputFile, errors: errorFile)
    processID = spawned.id
    try "\(processID) \(Self.startTime(of: processID))\n".write(
      to: prefix.appendingPathExtension("pid"), atomically: false, encoding: .utf8)
  }

  deinit {
    spawned.signal(SIGKILL)
    _ = spawned.wait()
  }

  /// What every child gets: enough to find programs and its home, nothing that was meant for the tests.
  package static let plainEnvironment = ProcessInfo.processInfo.environment.filter { name, _ in
    ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "LD_LIBRARY_PATH"].contains(name)
  }

  /// Nil while it runs.
  package func poll() -> Ending? { spawned.poll() }

  /// Sends a signal if it still runs: SIGKILL for a crash, SIGTERM to drain, SIGSTOP and SIGCONT to freeze and thaw.
  package func signal(_ signal: Int32) { spawned.signal(signal) }

  /// - Throws: `WaitFailure` when it still runs after `limit`.
  package func end(within limit: Duration = .seconds(120)) async throws -> Ending {
    var found = poll()
    try await waitUntil("\(name) (process \(processID)) ended", within: limit) {
      found = poll()
      return found != nil
    }
    return found ?? .exited(-1)
  }

  /// All it has written so far to standard output.
  package var output: String { get throws { try String(contentsOf: outputFile, encoding: .utf8) } }
  /// All it has written so far to standard error.
  package var errors: String { get throws { try String(contentsOf: errorFile, encoding: .utf8) } }

  /// Field 22 of /proc/PID/stat, as scripts/lib/processes.sh reads it: tells a process from a later one with its id.
  private static func startTime(of processID: Int32) throws -> String {
    let stat = try String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8)
    let afterName = stat.split(separator: ")").last ?? ""
    return afterName.split(separator: " ").dropFirst(19).first.map(String.init) ?? ""
  }
}
