package import Foundation

/// A directory for one test, removed when the last reference to it goes. All of them stand in one root per test process
/// that a watcher removes after the process has ended, however it ended, having killed what was started there.
package final class TestDirectory: Sendable {
  package let url: URL

  /// - Parameter name: what the directory's name begins with, for whoever looks in while a test runs.
  package init(_ name: String = "test") throws {
    url = try TestDirectory.root.get().appending(path: "\(name)-\(Namespace.unique())")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit {
    do {
      try FileManager.default.removeItem(at: url)
    } catch {
      FileHandle.standardError.write(Data("A test's directory stays until the tests end: \(error)\n".utf8))
    }
  }

  package func file(_ name: String) -> URL { url.appending(path: name) }

  /// Where the package lies, found from where this file was compiled.
  package static let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    .standardizedFileURL

  /// In `TOLLWAY_TEST_ROOT` if that is set, else among the system's temporary files.
  static let root = Result {
    let parent = ProcessInfo.processInfo.environment["TOLLWAY_TEST_ROOT"].map { URL(filePath: $0) }
    let root = (parent ?? FileManager.default.temporaryDirectory).appending(path: "tollway-\(getpid())")
    // PostgreSQL does not run as root; the user that it runs as then has to get through.
    let permissions = geteuid() == 0 ? 0o711 : 0o700
    try FileManager.default.createDirectory(
      at: root, withIntermediateDirectories: true, attributes: [.posixPermissions: permissions])
    let script = packageRoot.appending(path: "scripts/lib/processes.sh").path
    let log = root.appending(path: "guard-start.log")
    let guardian = try SpawnedProcess(
      ["bash", script, "guard", root.path, "\(getpid())", "--remove"], environment: ChildProcess.plainEnvironment,
      directory: root, output: log, errors: log)
    guard guardian.wait() == .exited(0) else {
      throw SystemFailure("scripts/lib/processes.sh guard", code: ECHILD)
    }
    return root
  }
}
