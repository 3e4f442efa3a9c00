import Foundation
import Synchronization

/// How a process ended.
package enum Ending: Sendable, Hashable {
  case exited(Int32)
  case killed(signal: Int32)
}

/// A process started through posix_spawn: in a process group of its own, without our open files, default signals, nothing
/// on its standard input. Foundation's Process will not do: it takes a process for running while any descendant lives
/// that kept its files, and servers started by a script do.
final class SpawnedProcess: Sendable {
  let id: pid_t

  private let ending = Mutex<Ending?>(nil)

  /// - Parameters:
  ///   - arguments: the command, searched in PATH, and its arguments. One that does not exist exits with 127.
  ///   - output: the file that its standard output is appended to; likewise `errors`.
  init(
    _ arguments: [String], environment: [String: String], directory: URL, output: URL, errors: URL
  ) throws {
    var files = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&files)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&files)
      posix_spawnattr_destroy(&attributes)
    }
    let appending = O_WRONLY | O_CREAT | O_APPEND
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.path, appending, 0o600)
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, errors.path, appending, 0o600)
    for open in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap(Int32.init)
    where open > STDERR_FILENO {
      posix_spawn_file_actions_addclose(&files, open)  // one closed meanwhile is no error
    }

    var signals = sigset_t()
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

    let words = CStrings(["env", "--chdir=\(directory.path)"] + arguments)
    let variables = CStrings(environment.map { "\($0.key)=\($0.value)" })
    var started: pid_t = 0
    let code = posix_spawnp(&started, "env", &files, &attributes, words.pointers, variables.pointers)
    guard code == 0 else { throw SystemFailure("cannot start env", code: code) }
    id = started
  }

  /// Nil while it runs.
  func poll() -> Ending? { ending.withLock { settle(&$0, options: WNOHANG) } }

  /// Blocks the thread until it has ended.
  func wait() -> Ending? { ending.withLock { settle(&$0, options: 0) } }

  /// Sends a signal if it still runs.
  func signal(_ signal: Int32) {
    ending.withLock { if settle(&$0, options: WNOHANG) == nil { kill(id, signal) } }
  }

  // Its end can be asked of the kernel only once; afterwards the id may belong to somebody else.
  private func settle(_ known: inout Ending?, options: Int32) -> Ending? {
    guard known == nil else { return known }
    var status: Int32 = 0
    guard waitpid(id, &status, options) == id else { return nil }
    let signal = status & 0x7f
    known = signal == 0 ? .exited((status >> 8) & 0xff) : .killed(signal: signal)
    return known
  }
}

/// A null-terminated array of C strings, freed with this object.
private final class CStrings {
  let pointers: [UnsafeMutablePointer<CChar>?]

  init(_ strings: [String]) { pointers = strings.map { strdup($0) } + [nil] }

  deinit { pointers.forEach { free($0) } }
}
