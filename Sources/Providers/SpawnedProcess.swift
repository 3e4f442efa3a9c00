import Glibc
import Synchronization

/// A program started in a process group of its own, with nothing of ours but the two descriptors it is given: signals
/// reset, all other descriptors closed, the environment exactly as passed. `wait` blocks a thread of its own; `signal`
/// may be called from anywhere and never hits a stranger, because the process is reaped under the same lock.
final class SpawnedProcess: Sendable {
  /// How a process ended.
  enum Exit: Sendable, Hashable, CustomStringConvertible {
    case status(Int32)
    case signal(Int32)

    var description: String {
      switch self {
      case .status(let code): "status \(code)"
      case .signal(let number): "signal \(number)"
      }
    }
  }

  let pid: pid_t
  private let isReaped = Mutex(false)

  /// - Parameters:
  ///   - program: a path, or a name to be looked up in PATH.
  ///   - input: becomes standard input; -1 for `/dev/null`.
  ///   - output: becomes standard output; -1 for `/dev/null`, where standard error always goes.
  init(
    program: String, arguments: [String], environment: [String: String], input: Int32 = -1, output: Int32 = -1
  ) throws(SystemFault) {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    for (source, target, mode) in [(input, 0, O_RDONLY), (output, 1, O_WRONLY), (-1, 2, O_WRONLY)] {
      if source >= 0 {
        posix_spawn_file_actions_adddup2(&actions, source, Int32(target))
      } else {
        posix_spawn_file_actions_addopen(&actions, Int32(target), "/dev/null", mode, 0)
      }
    }
    // Libraries of the wires open sockets that a child would inherit. A descriptor that is closed meanwhile does no
    // harm: the C library ignores that.
    for descriptor in try Self.openDescriptors() where descriptor > 2 {
      posix_spawn_file_actions_addclose(&actions, descriptor)
    }
    var every = sigset_t()
    var none = sigset_t()
    sigfillset(&every)
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &every)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

    let argumentList = ([program] + arguments).map { strdup($0) }
    let environmentList = environment.map { strdup("\($0.key)=\($0.value)") }
    defer { (argumentList + environmentList).forEach { free($0) } }
    var started: pid_t = 0
    let code = posix_spawnp(&started, program, &actions, &attributes, argumentList + [nil], environmentList + [nil])
    guard code == 0 else { throw SystemFault("start \(program)", code) }
    pid = started
  }

  /// Sends a signal to the process and everything in its group; nothing once it was reaped.
  func signal(_ number: Int32) {
    isReaped.withLock { reaped in
      if !reaped { kill(-pid, number) }
    }
  }

  /// Whether it was waited for to the end.
  var hasEnded: Bool { isReaped.withLock { $0 } }

  /// Blocks until the process has ended, then ends what it left in its group. Call once.
  func wait() -> Exit {
    var info = siginfo_t()
    while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
    var status: Int32 = 0
    isReaped.withLock { reaped in
      kill(-pid, SIGKILL)
      while waitpid(pid, &status, 0) < 0, errno == EINTR {}
      reaped = true
    }
    return status & 0x7F == 0 ? .status(status >> 8 & 0xFF) : .signal(status & 0x7F)
  }

  private static func openDescriptors() throws(SystemFault) -> [Int32] {
    guard let directory = opendir("/proc/self/fd") else { throw SystemFault("read /proc/self/fd", errno) }
    defer { closedir(directory) }
    var found: [Int32] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if let descriptor = Int32(name), descriptor != dirfd(directory) { found.append(descriptor) }
    }
    return found
  }

  /// What children inherit: where programs are, whose they are, which language. No keys, no addresses.
  static func minimalEnvironment(from environment: [String: String]) -> [String: String] {
    environment.filter { ["PATH", "HOME", "LANG"].contains($0.key) }
  }
}
